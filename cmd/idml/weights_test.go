// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
	"introspection/idml/weights"
)

// weightsFile returns a safetensors file of a network's weights, all 0, with a classifier.
func weightsFile(t *testing.T, c resnet.Config) []byte {
	t.Helper()
	f := &weights.File{}
	add := func(name string, shape ...int) {
		size := 2
		for _, d := range shape {
			size *= d
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: name, DType: "F16", Shape: shape, Data: make([]byte, size)})
	}
	for _, a := range c.Arrays() {
		add(a.Name, a.Shape...)
	}
	add("fc.weight", 10, c.Channels())
	add("fc.bias", 10)
	var out bytes.Buffer
	if err := weights.WriteSafetensors(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// hashName returns a name as torch.hub has them, with the first digits of the data's hash.
func hashName(stem string, data []byte, ending string) string {
	sum := sha256.Sum256(data)
	return stem + "-" + hex.EncodeToString(sum[:4]) + ending
}

// weightsCache makes an empty cache and returns the folder of weights in it.
func weightsCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(weights.CacheEnv, dir)
	return filepath.Join(dir, "weights")
}

// TestWeights fetches and takes a file of weights in torchvision's names.
func TestWeights(t *testing.T) {
	resnet18, err := resnet.Named("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	data := weightsFile(t, resnet18)
	good, bad := hashName("mine", data, ".safetensors"), "mine-00000000.safetensors"
	small := weightsFile(t, resnet.Config{Stem: resnet.SmallStem, Block: resnet.Basic, Width: 2, Blocks: []int{1}})
	dir, source := weightsCache(t), t.TempDir()
	for name, content := range map[string][]byte{good: data, bad: data, "plain.pth": data, "small.safetensors": small, "text.pth": []byte("<html>not found</html>")} {
		writeFile(t, filepath.Join(source, name), content)
	}
	s := httptest.NewServer(http.FileServer(http.Dir(source)))
	defer s.Close()

	for _, args := range [][]string{{"--url", s.URL + "/" + good}, {"--from", filepath.Join(source, good)}} {
		stdout, stderr, status := program(t, append([]string{"weights"}, args...)...)
		path := filepath.Join(dir, good)
		if status != exitOK || stdout != path+"\n" {
			t.Fatalf("%v: status %d, %q, %q", args, status, stdout, stderr)
		}
		if want := "downloading " + good + ", 21 MiB\n"; args[0] == "--url" && stderr != want || args[0] == "--from" && stderr != "" {
			t.Errorf("%v: it says %q", args, stderr)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%v: the cache's file is another (%v)", args, err)
		}
		if f, err := weights.Open(path); err != nil || len(f.Tensors) != 102 {
			t.Errorf("%v: %v", args, err)
		}
		os.Remove(path)
	}
	succeed(t, "weights", "--from", filepath.Join(source, "plain.pth"))
	if got := succeed(t, "weights", "--list"); strings.Count(got, "not in the cache; https://download.pytorch.org/models/resnet") != 4 ||
		!strings.HasSuffix(got, "other      "+filepath.Join(dir, "plain.pth")+"\n") {
		t.Errorf("the list:\n%s", got)
	}

	before := snapshot(t, dir)
	for _, test := range []struct {
		name string
		text string
		args []string
	}{
		{"wrong hash", "that of " + bad + " begins with 00000000", []string{"--from", filepath.Join(source, bad)}},
		{"wrong hash fetched", "that of " + bad + " begins with 00000000", []string{"--url", s.URL + "/" + bad}},
		{"not the release", "that of resnet18-f37072fd.pth begins with f37072fd", []string{"resnet18", "--from", filepath.Join(source, good)}},
		{"not the release, fetched", "that of resnet18-f37072fd.pth begins with f37072fd", []string{"resnet18", "--url", s.URL + "/" + good}},
		{"no network", "not those of a network that has a name", []string{"--from", filepath.Join(source, "small.safetensors")}},
		{"no weights", "neither a safetensors file nor one of torch.save", []string{"--url", s.URL + "/text.pth"}},
		{"not found", "404 Not Found", []string{"--url", s.URL + "/none.pth"}},
		{"no file", "no such file", []string{"--from", "none.pth"}},
		{"unknown", "resnet18, resnet34, resnet50, resnet101", []string{"vgg16"}},
		{"no address", "no http(s) address", []string{"--url", "none.pth"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stderr, status := program(t, append([]string{"weights"}, test.args...)...)
			last := stderr[strings.LastIndex(strings.TrimSuffix(stderr, "\n"), "\n")+1:] // it may have said that it downloads
			if status != exitError || !strings.HasPrefix(last, "idml: ") || !strings.Contains(last, test.text) {
				t.Errorf("status %d, %q, want %q", status, stderr, test.text)
			}
			if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
				t.Error("files in the cache changed")
			}
		})
	}
}

// TestWeightsCached checks that a cached release is not fetched again, and that training finds it.
func TestWeightsCached(t *testing.T) {
	dir := weightsCache(t)
	path := filepath.Join(dir, "resnet34-b627a593.pth")
	writeFile(t, path, []byte("whole"))
	if got := succeed(t, "weights", "resnet34"); got != path+"\n" {
		t.Errorf("printed %q", got)
	}
	if got := succeed(t, "weights", "--list"); !strings.Contains(got, "resnet34   "+path+"\n") || strings.Contains(got, "other") {
		t.Errorf("the list:\n%s", got)
	}
	fail(t, exitUsage, "--list", "weights", "--list", "resnet34")
	fail(t, exitUsage, "help weights", "weights")
	fail(t, exitUsage, "--from or --url", "weights", "--from", "a", "--url", "b")
	if got := sizeText(102_530_333) + sizeText(-1); got != ", 98 MiB" {
		t.Errorf("sizes: %q", got)
	}
	fail(t, exitUsage, "one NAME", "weights", "resnet18", "resnet34", "--from", "a")
}
