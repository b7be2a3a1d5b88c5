// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIsComplete(t *testing.T) {
	for _, test := range []struct {
		code string
		want completeness
	}{
		{"", completeness{Status: "complete"}},
		{"%%\nx := f(1)", completeness{Status: "complete"}},
		{"func f() {", completeness{"incomplete", "\t"}},
		{"f(func() {", completeness{"incomplete", "\t\t"}},
		{"s := `a {", completeness{Status: "incomplete"}},
		{"/* a", completeness{Status: "incomplete"}},
		{"f(1))", completeness{Status: "invalid"}},
		{`s := "a`, completeness{Status: "invalid"}},
		{"%idml train --set 'a", completeness{Status: "complete"}},
		{"!ls (", completeness{Status: "complete"}},
		{"%%idml\n{", completeness{Status: "complete"}},
		{"%%bash\nif [ $(", completeness{Status: "complete"}},
	} {
		if got := isComplete(test.code); got != test.want {
			t.Errorf("%q: %+v, want %+v", test.code, got, test.want)
		}
	}
}

func TestHistory(t *testing.T) {
	var h history
	for i, code := range []string{"a/1\nb", "a/2", "c", "c"} {
		h.add(i+1, code)
	}
	for _, test := range []struct {
		name    string
		request historyRequest
		want    []int
	}{
		{"tail", historyRequest{Access: "tail", N: 2}, []int{3, 4}},
		{"long tail", historyRequest{Access: "tail", N: 9}, []int{1, 2, 3, 4}},
		{"range", historyRequest{Access: "range", Start: 2, Stop: 4}, []int{2, 3}},
		{"open range", historyRequest{Access: "range", Start: 2}, []int{2, 3, 4}},
		{"other session", historyRequest{Access: "range", Session: 1}, nil},
		{"search", historyRequest{Access: "search", Pattern: "a*"}, []int{1, 2}},
		{"search for one character", historyRequest{Access: "search", Pattern: "a/?"}, []int{2}},
		{"search once", historyRequest{Access: "search", Pattern: "*", Unique: true}, []int{1, 2, 3}},
		{"search the last", historyRequest{Access: "search", Pattern: "*", N: 1}, []int{4}},
	} {
		var got []int
		for _, e := range h.find(test.request) {
			got = append(got, e.count)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestComms(t *testing.T) {
	c := comms{open: map[string]string{}}
	say := func(kind, id, target string) {
		m := content(map[string]string{"comm_id": id, "target_name": target})
		m.header.Type = kind
		c.observe(m)
	}
	say("comm_open", "1", "a")
	say("comm_open", "2", "b")
	say("comm_open", "3", "b")
	say("comm_msg", "4", "b")
	say("comm_close", "3", "")
	want := map[string]any{"status": "ok", "comms": map[string]map[string]string{"2": {"target_name": "b"}}}
	if diff := cmp.Diff(want, c.answer(content(map[string]string{"target_name": "b"}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A folder whose kernel was killed is removed by the next one, that of a living one isn't.
func TestFolders(t *testing.T) {
	base, err := os.MkdirTemp("", "k") // a short path, so that the folders lie there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if len(base) > longestBase {
		t.Skipf("%s is too long", base)
	}
	t.Setenv("TMPDIR", base)
	dead := filepath.Join(os.TempDir(), folderPattern+"dead")
	if err := os.MkdirAll(filepath.Join(dead, "gonb"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dead, "lock"), "")
	living, removeLiving, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	_, remove, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("the dead kernel's folder: %v", err)
	}
	if _, err := os.Stat(living); err != nil {
		t.Error(err)
	}
	for _, f := range []func() error{remove, removeLiving} {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Where the path of the folder for temporary files is too long for sockets, the kernel's folder is elsewhere.
func TestFolderOfShortPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	dir, remove, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if most := longestBase + len("/"+folderPattern+"4294967295"); len(dir) > most {
		t.Errorf("%s has %d bytes, want at most %d", dir, len(dir), most)
	}
}

// A process in a group of its own is found by its folder, and no other is.
func TestKillStrays(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("for Linux")
	}
	begin := func(temporary string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "sleep", "60")
		cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	dir := t.TempDir()
	stray, other := begin(dir), begin(dir+"2")
	killStrays(dir)
	if err := stray.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the stray ends with %v", err)
	}
	if err := other.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("the other one: %v", err)
	}
	if err := other.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("the other one ends with %v", err)
	}
}
