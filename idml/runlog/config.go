// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"runtime"
	"runtime/debug"
)

// WriteConfig writes the settings of the run, v, to config.json. It should be
// the first file that a run writes: it makes the folder a run.
func (r *Run) WriteConfig(v any) error { return r.writeJSON(ConfigFile, v) }

// ReadConfig reads config.json into v, a pointer. A setting that v has no field
// for is an error that names it. Numbers that go into an any are json.Number.
func (r *Run) ReadConfig(v any) error { return r.readJSON(ConfigFile, true, v) }

// Environment is where a run ran: what built the program and what it ran on.
// See the package comment for the fields.
type Environment struct {
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	Backend  string            `json:"backend"`
	Device   string            `json:"device"`
	Revision string            `json:"revision"`
	CPUs     int               `json:"cpus"`
	Devices  int               `json:"devices"`
	JPEG     string            `json:"jpeg,omitempty"`
	Modules  map[string]string `json:"modules,omitempty"`
}

// HostEnvironment returns the Environment of this program, except for Backend,
// Device, Devices and JPEG, which it can't know. Modules and Revision are what the linker
// noted; they are empty in programs built without modules or version control.
func HostEnvironment() Environment {
	e := Environment{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return e
	}
	if len(info.Deps) > 0 {
		e.Modules = make(map[string]string, len(info.Deps))
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		e.Modules[m.Path] = m.Version
	}
	modified := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			e.Revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+dirty"
		}
	}
	if e.Revision != "" {
		e.Revision += modified
	}
	return e
}

// WriteEnvironment writes environment.json.
func (r *Run) WriteEnvironment(e Environment) error { return r.writeJSON(EnvironmentFile, e) }

// Environment reads environment.json.
func (r *Run) Environment() (Environment, error) {
	var e Environment
	err := r.readJSON(EnvironmentFile, false, &e)
	return e, err
}
