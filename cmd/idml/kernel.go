// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"introspection/datasets"
	"introspection/internal/kernel"
)

func kernelCommand() command {
	return command{
		name:    "kernel",
		summary: "install the Jupyter kernel \"IDML (Go)\", or run it",
		usage:   "install [--user | --sys-prefix DIR | --prefix DIR] [--gonb FILE] [--project DIR]\n       idml kernel run --connection-file FILE",
		help: `
Kernel install tells Jupyter of the kernel: for this user, which is the default, or for what
is installed below DIR, as a virtual environment. The kernel runs cells of Go through GoNB,
with the project's packages imported, and lines "%idml COMMAND …" through this program,
which must stay where it is, as must GoNB and the project. Below "%%idml [OPTIONS]", a cell
holds a configuration to train by. Jupyter itself calls "kernel run".

The commands of a notebook run in one process, "kernel worker", which keeps the backend, the
datasets and the last two models for the next command. A cell "%idml kernel release" ends it,
and with it what it holds of the memory of a GPU. docs/kernel.md tells more.

Examples:
  $ idml kernel install
  $ idml kernel install --prefix .venv`,
		run: runKernel,
	}
}

// startUp is what cells find imported. An import that a cell doesn't use costs it nothing.
const startUp = `import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/backend"
	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/idml/weights"
	"introspection/notebooks/nb"
	"introspection/plots"
)
`

// kernelOptions are the options of both verbs.
type kernelOptions struct {
	user          bool
	prefix        string
	gonb, project string
	connection    string
}

func runKernel(ctx context.Context, env *environment, args []string) error {
	set := env.flags("kernel")
	var o kernelOptions
	set.BoolVar(&o.user, "user", false, "install for this user")
	set.StringVar(&o.prefix, "prefix", "", "install for what is installed below `dir`, such as a virtual environment")
	set.StringVar(&o.prefix, "sys-prefix", "", "the same: `dir` is Python's sys.prefix")
	set.StringVar(&o.gonb, "gonb", "", "GoNB's `file`; without it, the one beside this program or on the PATH")
	set.StringVar(&o.project, "project", "", "the `folder` of the project; without it, the one around this program or the current folder")
	set.StringVar(&o.connection, "connection-file", "", "Jupyter's `file` that says where the kernel is to listen")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	switch verb := set.Arg(0); {
	case verb == "install" && o.user && o.prefix != "":
		return usageError{"kernel: --user and --prefix exclude each other"}
	case verb == "install":
		return env.installKernel(ctx, o)
	case verb == "run" && o.connection == "":
		return usageError{"kernel: run needs a --connection-file, which Jupyter writes"}
	case verb == "run":
		return env.serveKernel(ctx, o)
	case verb == "worker": // which the kernel starts
		return env.serveWorker(ctx)
	case verb == "release":
		return usageError{"kernel: release is for a cell of a notebook: %idml kernel release"}
	}
	return usageError{"kernel: say install or run: see \"idml help kernel\""}
}

// complete finds what the options leave out, and makes all paths absolute.
func (o *kernelOptions) complete(program string) error {
	var err error
	if o.gonb == "" {
		o.gonb = filepath.Join(filepath.Dir(program), "gonb")
		if _, missing := os.Stat(o.gonb); missing != nil {
			if o.gonb, err = exec.LookPath("gonb"); err != nil {
				return fmt.Errorf("kernel: GoNB is neither beside %s nor on the PATH: run make setup, or name it with --gonb", program)
			}
		}
	}
	if o.project == "" {
		if o.project = findProject(filepath.Dir(program), "."); o.project == "" {
			return fmt.Errorf("kernel: neither %s nor the current folder is within the project: name it with --project", program)
		}
	}
	if o.gonb, err = filepath.Abs(o.gonb); err != nil {
		return err
	}
	o.project, err = filepath.Abs(o.project)
	return err
}

// findProject returns the folder of the project's go.mod in or above one of some folders, or "".
func findProject(folders ...string) string {
	ours := regexp.MustCompile(`(?m)^module introspection$`)
	for _, dir := range folders {
		dir, err := filepath.Abs(dir)
		if err != nil {
			continue
		}
		for parent := filepath.Dir(dir); ; dir, parent = parent, filepath.Dir(parent) {
			if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && ours.Match(text) {
				return dir
			}
			if dir == parent {
				break
			}
		}
	}
	return ""
}

func (env *environment) installKernel(ctx context.Context, o kernelOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := o.complete(program); err != nil {
		return err
	}
	goRoot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("kernel: cells are compiled by Go, which can't be run: %w", err)
	}
	data := kernel.DataFolder(o.prefix)
	if o.prefix == "" {
		if data, err = userData(); err != nil {
			return err
		}
	}
	file, err := kernel.Install(data, kernel.Spec{
		Argv: []string{program, "kernel", "run", "--connection-file", "{connection_file}", "--gonb", o.gonb, "--project", o.project},
		Env:  kernelEnvironment(filepath.Dir(program), filepath.Dir(o.gonb), filepath.Join(strings.TrimSpace(string(goRoot)), "bin")),
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stdout, file)
	return nil
}

// kernelEnvironment returns the variables that cells need. Jupyter replaces ${PATH}. Variables that may be unset, as GOMLX_BACKEND, are
// inherited: Jupyter would hand on a ${GOMLX_BACKEND} as it stands there.
func kernelEnvironment(folders ...string) map[string]string {
	flags := "-buildvcs=false '-ldflags=-s -w'"
	if datasets.JPEGDecoder == datasets.LibjpegTurbo { // cells decode as the program does
		flags += " -tags=turbojpeg"
	}
	return map[string]string{
		"PATH": strings.Join(append(folders, "${PATH}"), string(filepath.ListSeparator)),
		// Cells don't ask the network, which makes each two seconds faster; without a symbol table they link faster.
		"GOPROXY":               "off",
		"GOFLAGS":               flags,
		"GOTOOLCHAIN":           "local",
		"GOMLX_NO_AUTO_INSTALL": "1",
	}
}

// userData returns the folder in which Jupyter looks for a user's data.
func userData() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// serveKernel runs the kernel. SIGINT, by which Jupyter may interrupt a cell, doesn't end it; SIGTERM and SIGHUP do.
func (env *environment) serveKernel(ctx context.Context, o kernelOptions) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := o.complete(program); err != nil {
		return err
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return kernel.Run(ctx, kernel.Options{
		Connection: o.connection,
		GoNB:       []string{o.gonb, "-logtostderr=true", "-raw_error=true", "-go_work=" + o.project},
		Program:    []string{program},
		Worker:     []string{program, "kernel", "worker"},
		StartUp:    startUp,
		Version:    kernelVersion(),
		Log:        env.stderr,
		Interrupts: interrupts,
		Attended:   os.Getenv("JPY_PARENT_PID") != "", // Jupyter sets it unless the kernel is to outlive it
	})
}

// kernelVersion returns the program's version as modules count them, 0.0.0 if it was built in a working copy.
func kernelVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.0.0"
}
