// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
)

func helpCommand() command {
	return command{
		name:    "help",
		summary: "list the commands, or tell the options of one",
		usage:   "[COMMAND]",
		run:     runHelp,
	}
}

func runHelp(ctx context.Context, env *environment, args []string) error {
	set := env.flags("help")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	name := set.Arg(0)
	if name == "" {
		env.printCommands(env.stdout)
		return nil
	}
	c, ok := findCommand(name)
	if !ok {
		return usageError{fmt.Sprintf("help: unknown command %q", name)}
	}
	return c.run(ctx, env, []string{"--help"})
}

// printCommands prints the list of commands.
func (env *environment) printCommands(w io.Writer) {
	fmt.Fprint(w, "Usage: idml [-v] COMMAND [OPTIONS]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s  %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"idml help COMMAND\" tells the options of a command; -v prints an error with its stack.\n")
}
