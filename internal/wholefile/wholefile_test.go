// SPDX-License-Identifier: Apache-2.0

package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	fault := errors.New("fault")
	for i, test := range []struct {
		write func(io.Writer) error
		err   error
		want  string
	}{
		{text("one"), nil, "one"},
		{func(w io.Writer) error { return errors.Join(text("half")(w), fault) }, fault, "one"},
		{text("two"), nil, "two"},
		{text(""), nil, ""},
	} {
		if err := Write(path, i%2 == 0, test.write); !errors.Is(err, test.err) {
			t.Errorf("call %d: %v, want %v", i, err, test.err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != test.want {
			t.Errorf("after call %d: %q, %v; want %q", i, got, err, test.want)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("after call %d: %v, %v; want the one file", i, entries, err)
		}
	}
	// While it is written, the file has a name with a dot and the mark.
	err := Write(path, false, func(io.Writer) error {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 2 || !strings.HasPrefix(entries[0].Name(), ".a.txt"+Mark) {
			t.Errorf("while writing: %v, %v", entries, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	called := false
	if err := Write(filepath.Join(dir, "none", "a.txt"), true, func(io.Writer) error { called = true; return nil }); err == nil || called {
		t.Errorf("without a folder: %v, write was called: %v", err, called)
	}
	if err := SyncFolder(dir); err != nil {
		t.Error(err)
	}
}
