// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml/backend"
	"introspection/internal/kernel"
)

// A command is one of the program's verbs. Each has a file of its own that holds its options, its run function and nothing
// else; [commands] lists them.
type command struct {
	name    string
	summary string // what it does, in a few words
	usage   string // the arguments after the name, for example "[--json] RUN"
	help    string // paragraphs and examples, printed under the summary; may be empty

	// run does the work. It gets the arguments after the command's name, prints results on env.stdout and everything else on
	// env.stderr, and returns a usageError for arguments that make no sense.
	run func(ctx context.Context, env *environment, args []string) error
}

// commands returns all commands in the order in which help lists them.
func commands() []command {
	return []command{
		setupCommand(),
		trainCommand(),
		lossesCommand(),
		evalCommand(),
		embedCommand(),
		searchCommand(),
		verifyCommand(),
		weightsCommand(),
		exportCommand(),
		sweepCommand(),
		compareCommand(),
		uncertaintyCommand(),
		reportCommand(),
		kernelCommand(),
		versionCommand(),
		helpCommand(),
	}
}

func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

// An environment is what a command has besides its arguments.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	verbose        bool // -v: errors come with their stack

	// display shows an output in a notebook; nil on a terminal.
	display func(kernel.Output)
	// resident keeps what the next command may need; nil keeps nothing.
	resident *experiment.Resident
}

// openBackend opens the backend, or returns the one that is kept. The caller calls done when it needs it no more.
func (env *environment) openBackend() (b compute.Backend, done func(), err error) {
	if env.resident != nil {
		b, err = env.resident.Backend()
		return b, func() {}, err
	}
	if b, err = backend.Open(""); err != nil {
		return nil, nil, err
	}
	return b, b.Finalize, nil
}

// warn prints what a person should know and need not act upon at once.
func (env *environment) warn(text string) { fmt.Fprintf(env.stderr, "warning: %s\n", text) }

// note prints what goes on, beside the results: on a terminal apart from them, in a notebook among them, where all that stands on stderr looks like a fault.
func (env *environment) note(format string, args ...any) {
	w := env.stderr
	if env.display != nil {
		w = env.stdout
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// A usageError says that the program was called wrongly; its exit status differs.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// errHelpShown ends a command that was asked for its help.
var errHelpShown = errors.New("help was shown")

// flags returns an empty set of options for a command. The caller defines the options and calls [environment.parse].
func (env *environment) flags(name string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are returned, help is printed by parse
	set.BoolVar(&env.verbose, "v", env.verbose, "print an error with its stack")
	return set
}

// parse parses a command's arguments, among which options may stand anywhere. With --help it prints the help and returns
// errHelpShown. maxArgs bounds the number of arguments that are no options.
func (env *environment) parse(set *flag.FlagSet, args []string, maxArgs int) error {
	switch err := parseMixed(set, args); {
	case errors.Is(err, flag.ErrHelp):
		c, _ := findCommand(set.Name())
		env.printHelp(c, set)
		return errHelpShown
	case err != nil:
		text := strings.Replace(err.Error(), "flag provided but not defined: -", "unknown option --", 1)
		return usageError{fmt.Sprintf("%s: %s: see \"idml help %s\"", set.Name(), text, set.Name())}
	case set.NArg() > maxArgs:
		return usageError{fmt.Sprintf("%s: unexpected argument %q: see \"idml help %s\"", set.Name(), set.Arg(maxArgs), set.Name())}
	}
	return nil
}

// parseMixed parses options also where they follow arguments, where package flag stops. set.Args() are the arguments.
func parseMixed(set *flag.FlagSet, args []string) error {
	var rest []string
	for {
		if err := set.Parse(args); err != nil {
			return err
		}
		if set.NArg() == 0 {
			return set.Parse(append([]string{"--"}, rest...))
		}
		rest = append(rest, set.Arg(0))
		args = set.Args()[1:]
	}
}

// printHelp prints a command's help; set holds its options.
func (env *environment) printHelp(c command, set *flag.FlagSet) {
	w := env.stdout
	fmt.Fprintf(w, "idml %s: %s\n\nUsage: %s\n", c.name, c.summary, strings.TrimSpace("idml "+c.name+" "+c.usage))
	if c.help != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.help))
	}
	if hasOptions(set) {
		fmt.Fprintf(w, "\nOptions:\n")
		set.VisitAll(func(f *flag.Flag) {
			if f.Name != "v" {
				printOption(w, f)
			}
		})
	}
}

// hasOptions tells whether there is an option beside -v.
func hasOptions(set *flag.FlagSet) bool {
	found := false
	set.VisitAll(func(f *flag.Flag) { found = found || f.Name != "v" })
	return found
}

// printOption prints an option as "--name VALUE", its meaning on the next line.
func printOption(w io.Writer, f *flag.Flag) {
	value, usage := flag.UnquoteUsage(f)
	if value != "" {
		value = " " + strings.ToUpper(value)
	}
	fmt.Fprintf(w, "  --%s%s\n", f.Name, value)
	suffix := ""
	switch f.DefValue {
	case "", "false", "0", "[]":
	default:
		suffix = fmt.Sprintf(" (default %s)", f.DefValue)
	}
	fmt.Fprintf(w, "        %s%s\n", strings.ReplaceAll(usage, "\n", "\n        "), suffix)
}
