// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files returns what the folder holds: the content by the name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = string(data)
	}
	return m
}

// content writes a text.
func content(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestWriteModelKeepsTheOneBefore(t *testing.T) {
	run, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	for i, test := range []struct {
		write func(io.Writer) error
		err   error
		want  map[string]string
	}{
		{content("a"), nil, map[string]string{ModelFile: "a"}},
		{content("b"), nil, map[string]string{ModelFile: "b", PreviousModelFile: "a"}},
		{func(w io.Writer) error { return errors.Join(content("half")(w), full) }, full, map[string]string{ModelFile: "b", PreviousModelFile: "a"}},
		{content("c"), nil, map[string]string{ModelFile: "c", PreviousModelFile: "b"}},
	} {
		if err := run.WriteModel(test.write); !errors.Is(err, test.err) {
			t.Errorf("call %d: %v, want %v", i+1, err, test.err)
		}
		if diff := cmp.Diff(test.want, files(t, run.Dir())); diff != "" {
			t.Errorf("after call %d (-want +got):\n%s", i+1, diff)
		}
	}
}

// What a killed run leaves is removed, and nothing else; the folder's name has characters that patterns know.
func TestRemoveLeftovers(t *testing.T) {
	run, err := Create(filepath.Join(t.TempDir(), "a[b]*"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{ModelFile: "m", PreviousModelFile: "p", BestFile: "b", ".hidden": "h", "notes.tmp-1": "n"}
	for name, text := range want {
		if err := os.WriteFile(run.Path(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{nextModelFile, ".model-next.safetensors.tmp-123", ".results.json.tmp-9"} {
		if err := os.WriteFile(run.Path(name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.RemoveLeftovers(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, files(t, run.Dir())); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}
