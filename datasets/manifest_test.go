// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestManifest(t *testing.T) {
	m := Manifest{}
	for _, name := range []string{"b/2.jpg", "a 1.jpg", "\\", "new\nline\r", "back\\nslash"} {
		m[name] = sha256.Sum256([]byte(name))
	}
	var out bytes.Buffer
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "6215449169506dbc25879ffc51011233adcd4fdbf7771e7f6babe4c064ec923c  a 1.jpg\n" // the sum is Python's hashlib's
	if got := strings.SplitAfter(out.String(), "\n")[1]; got != want {
		t.Errorf("a line is %q, want %q", got, want)
	}
	again, err := ReadManifest(&out, "sums")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
}

// The real sha256sum reads what we write, and we read what it writes.
func TestManifestOfSha256sum(t *testing.T) {
	program, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip("no sha256sum on this machine")
	}
	dir := t.TempDir()
	m := Manifest{}
	for _, name := range []string{"a.jpg", "with space.jpg", "new\nline.jpg", `back\slash.jpg`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		m[name] = sha256.Sum256([]byte(name))
	}
	var ours bytes.Buffer
	if err := m.Write(&ours); err != nil {
		t.Fatal(err)
	}
	check := exec.Command(program, "--check", "--strict", "-")
	check.Dir, check.Stdin = dir, bytes.NewReader(ours.Bytes())
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != 4 {
		t.Errorf("sha256sum --check: %v:\n%s", err, out)
	}
	for _, mode := range []string{"--text", "--binary"} {
		write := exec.Command(program, mode, "--", "a.jpg", "./with space.jpg", "new\nline.jpg", `back\slash.jpg`)
		write.Dir = dir
		theirs, err := write.Output()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadManifest(bytes.NewReader(theirs), "theirs")
		if diff := cmp.Diff(m, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", mode, err, diff)
		}
	}
}

func TestReadManifestFaults(t *testing.T) {
	sum := strings.Repeat("0f", 32)
	for _, c := range []struct{ text, want string }{
		{"hello", "sums:1: want 64 hexadecimal digits"},
		{sum + "  a\n\n", "sums:2: want 64"},
		{sum + " a", "sums:1: want 64"},
		{sum[:62] + "  a", "sums:1: want 64"},
		{sum + "  ", "sums:1"},
		{sum + "  ../a", `sums:1: path "../a"`},
		{sum + "  /etc/passwd", `sums:1: path "/etc/passwd"`},
		{sum + "  a\n" + sum + "  b\n" + sum + "  ./a\n", "sums:3: a is listed twice"},
		{"SHA256 (a) = " + sum, "sums:1: want 64"},
		{strings.Repeat("a", 70000), "sums:1: bufio.Scanner: token too long"},
	} {
		m, err := ReadManifest(strings.NewReader(c.text), "sums")
		var format *FormatError
		if m != nil || !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: error %v: want %q", c.text, err, c.want)
		}
	}
}

// What is read is written as it was meant, and read again as the same.
func FuzzManifest(f *testing.F) {
	sum := strings.Repeat("0f", 32)
	f.Add([]byte(sum + "  a.jpg\n" + sum + " *b/c.jpg\n"))
	f.Add([]byte(`\` + sum + `  a\\b\nc` + "\n"))
	f.Add([]byte(sum + "  ../a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadManifest(bytes.NewReader(data), "sums")
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := m.Write(&out); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadManifest(&out, "sums"); err != nil || !cmp.Equal(m, again) {
			t.Errorf("%v, read again: %v, error %v", m, again, err)
		}
	})
}
