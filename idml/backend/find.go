// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// pathsEnv is the variable that replaces go-xla's search folders.
const pathsEnv = "PJRT_PLUGIN_LIBRARY_PATH"

// Find returns the absolute path of the installed plugin of a kind ("cpu", "cuda"), and whether there is one. A plugin with
// a version in its name (pjrt_c_api_cpu_v0.114.0_plugin.so) counts where no folder holds one without. Find only looks at
// names: it neither loads nor checks the file, and for "cuda" doesn't ask whether there is a device.
func Find(kind string) (path string, ok bool) {
	return findIn(searchDirs(), kind)
}

// findIn is Find over the given folders.
func findIn(dirs []string, kind string) (path string, ok bool) {
	versioned := ""
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // the folder isn't there, or isn't for us to read: no plugin
		}
		for _, entry := range entries {
			name := pluginName(entry.Name())
			if name != kind && !strings.HasPrefix(name, kind+"_v") {
				continue
			}
			path := filepath.Join(dir, entry.Name())
			if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
				continue // for example a link to a file that was removed
			}
			if name == kind {
				return path, true
			}
			if versioned == "" {
				versioned = path
			}
		}
	}
	return versioned, versioned != ""
}

// pluginName returns the plugin's name in a file's name, "" if the file isn't named as a plugin.
func pluginName(file string) string {
	extension := filepath.Ext(file)
	if !slices.Contains([]string{".so", ".dylib", ".dll"}, extension) {
		return ""
	}
	base := strings.TrimSuffix(file, extension)
	if name, ok := strings.CutPrefix(base, "pjrt_c_api_"); ok && strings.HasSuffix(name, "_plugin") {
		return strings.TrimSuffix(name, "_plugin")
	}
	for _, prefix := range []string{"pjrt-plugin-", "pjrt_plugin_"} {
		if name, ok := strings.CutPrefix(base, prefix); ok {
			return name
		}
	}
	return ""
}

// searchDirs returns the folders in which plugins are looked for, in order.
func searchDirs() []string {
	if paths, ok := os.LookupEnv(pathsEnv); ok {
		var dirs []string
		for dir := range strings.SplitSeq(paths, ":") {
			if dir != "" {
				dirs = append(dirs, absolute(dir), filepath.Join(absolute(dir), nvidiaDir))
			}
		}
		return dirs
	}
	var dirs []string
	if dir, err := homeDir(); err == nil {
		dirs = append(dirs, dir, filepath.Join(dir, nvidiaDir))
		if runtime.GOOS == "linux" {
			dirs = append(dirs, filepath.Join(filepath.Dir(dir), "gomlx", "pjrt"))
		}
	}
	const system = "/usr/local/lib/go-xla"
	dirs = append(dirs, system, filepath.Join(system, nvidiaDir), "/usr/local/lib/gomlx/pjrt")
	for dir := range strings.SplitSeq(os.Getenv("LD_LIBRARY_PATH"), ":") {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	if runtime.GOOS == "linux" {
		dirs = append(dirs, loaderDirs("/etc/ld.so.conf", 0)...)
	}
	return dirs
}

// DefaultDir returns the folder in which [Install] puts plugins if it is told no other: the first one of
// PJRT_PLUGIN_LIBRARY_PATH, else go-xla's folder in the user's home (~/.local/lib/go-xla on Linux).
func DefaultDir() (string, error) {
	for dir := range strings.SplitSeq(os.Getenv(pathsEnv), ":") {
		if dir != "" {
			return absolute(dir), nil
		}
	}
	return homeDir()
}

// Searched tells whether plugins in dir are found, as opposed to a folder that PJRT_PLUGIN_LIBRARY_PATH must name first.
func Searched(dir string) bool { return slices.Contains(searchDirs(), absolute(dir)) }

// homeDir returns go-xla's folder in the user's home.
func homeDir() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Application Support", "go-xla"), nil
	case "windows":
		return filepath.Join(home, "AppData", "Local", "go-xla"), nil
	}
	return filepath.Join(home, ".local", "lib", "go-xla"), nil
}

// describeSearch names the places that searchDirs lists, shortly enough for one line.
func describeSearch() string {
	if paths, ok := os.LookupEnv(pathsEnv); ok {
		return pathsEnv + "=" + paths
	}
	const system = "/usr/local/lib/go-xla and the system's library folders"
	dir, err := homeDir()
	if err != nil {
		return system
	}
	return dir + ", " + system
}

// absolute returns dir as an absolute path, or as it is where the working directory is unknown.
func absolute(dir string) string {
	path, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	return path
}

// loaderDirs returns the folders that a file in the format of ld.so.conf lists, following its include lines.
func loaderDirs(file string, depth int) []string {
	const maxDepth = 8 // a file may include itself
	f, err := os.Open(file)
	if err != nil || depth > maxDepth {
		return nil
	}
	defer f.Close()
	dirs, includes := parseLoaderConfig(f)
	for _, pattern := range includes {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(file), pattern)
		}
		files, _ := filepath.Glob(pattern) // a malformed pattern matches nothing
		for _, include := range files {
			dirs = append(dirs, loaderDirs(include, depth+1)...)
		}
	}
	return dirs
}

// parseLoaderConfig returns the folders and the patterns of the include lines of an ld.so.conf.
func parseLoaderConfig(r io.Reader) (dirs, includes []string) {
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "include":
			includes = append(includes, fields[1:]...)
		case filepath.IsAbs(fields[0]):
			dirs = append(dirs, fields[0])
		}
	}
	return dirs, includes
}
