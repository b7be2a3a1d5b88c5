// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"introspection/datasets"
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the versions of the program and of what it computes with",
		run:     runVersion,
	}
}

func runVersion(_ context.Context, env *environment, args []string) error {
	if err := env.parse(env.flags("version"), args, 0); err != nil {
		return err
	}
	version := "(devel)"
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	fmt.Fprintf(env.stdout, "idml %s, %s %s/%s, JPEG by %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, datasets.JPEGDecoder)
	if !ok {
		return nil
	}
	for _, module := range info.Deps {
		if strings.HasPrefix(module.Path, "github.com/gomlx/") {
			fmt.Fprintf(env.stdout, "%s %s\n", module.Path, module.Version)
		}
	}
	return nil
}
