// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Manifest is the SHA-256 sums of files by their paths in a dataset's folder.
type Manifest map[string][sha256.Size]byte

// ReadManifest reads a manifest as sha256sum writes it: lines of a sum in hexadecimal digits, two spaces (or a space and an
// asterisk), and a path, in which backslash, line feed and carriage return are written as \\, \n and \r if the line begins with a
// backslash. A path may begin with "./". Faults are FormatErrors of the file of that name.
func ReadManifest(r io.Reader, name string) (Manifest, error) {
	m := Manifest{}
	scanner := bufio.NewScanner(r)
	line := 1
	for ; scanner.Scan(); line++ {
		file, sum, err := parseSum(scanner.Text())
		if err == nil {
			if _, ok := m[file]; ok {
				err = fmt.Errorf("%s is listed twice", file)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("datasets: reading a manifest: %w", &FormatError{File: name, Line: line, Err: err})
		}
		m[file] = sum
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("datasets: reading a manifest: %w", &FormatError{File: name, Line: line, Err: err})
	}
	return m, nil
}

// parseSum parses a line of a manifest.
func parseSum(line string) (file string, sum [sha256.Size]byte, err error) {
	line, escaped := strings.CutPrefix(line, `\`)
	digits, file, ok := strings.Cut(line, " ")
	digest, err := hex.DecodeString(digits)
	if !ok || err != nil || len(digest) != sha256.Size || file == "" || file[0] != ' ' && file[0] != '*' {
		return "", sum, errors.New("want 64 hexadecimal digits, two spaces and a path, as sha256sum writes them")
	}
	if file = file[1:]; escaped {
		file = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(file)
	}
	if file = path.Clean(file); !fs.ValidPath(file) || file == "." {
		return "", sum, fmt.Errorf("path %q: want one inside the dataset's folder", file)
	}
	return file, [sha256.Size]byte(digest), nil
}

// Write writes the manifest, sorted by path, so that "sha256sum --check" reads it in the dataset's folder.
func (m Manifest) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, file := range slices.Sorted(maps.Keys(m)) {
		sum := m[file]
		text := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(file)
		if text != file {
			out.WriteByte('\\')
		}
		fmt.Fprintf(out, "%x  %s\n", sum, text)
	}
	return out.Flush()
}
