// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/weights"
)

// cache makes an empty cache for the test and returns its folder of weights.
func cache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(weights.CacheEnv, dir)
	return filepath.Join(dir, "weights")
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestReleases(t *testing.T) {
	want := map[string]string{ // torchvision's names of IMAGENET1K_V1
		"resnet18": "resnet18-f37072fd.pth", "resnet34": "resnet34-b627a593.pth",
		"resnet50": "resnet50-0676ba61.pth", "resnet101": "resnet101-63fe2227.pth",
	}
	got := map[string]string{}
	for _, r := range weights.Releases() {
		got[r.Architecture] = r.File()
		if order := r.Order(); order.Name != r.File() || len(order.SHA256) != 8 || !strings.Contains(r.File(), "-"+order.SHA256+".") {
			t.Errorf("%s: the order is %+v", r.Architecture, order)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := weights.FindRelease("vgg16"); err == nil || !strings.Contains(err.Error(), "resnet18, resnet34, resnet50, resnet101") {
		t.Errorf("vgg16: %v", err)
	}
}

func TestHashInName(t *testing.T) {
	for name, want := range map[string]string{
		"resnet50-0676ba61.pth": "0676ba61", "a-b-0123456789abcdef.safetensors": "0123456789abcdef", "resnet50.pth": "", "resnet50-0676ba6.pth": "",
		"resnet50-0676BA61.pth": "", "resnet-50.pth": "", "tv-0676ba61": "", "x-" + strings.Repeat("0", 65) + ".pth": "",
	} {
		if got := weights.HashInName(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestLocate(t *testing.T) {
	dir := cache(t)
	if got, err := weights.Locate("some/file.pth", ""); err != nil || got != "some/file.pth" {
		t.Errorf("a path: %q, %v", got, err)
	}
	if _, err := weights.Locate(weights.ImageNet, ""); err == nil || !strings.Contains(err.Error(), "resnet18, ") {
		t.Errorf("no architecture: %v", err)
	}
	if _, err := weights.Locate(weights.ImageNet, "resnet34"); err == nil || !strings.Contains(err.Error(), "`idml weights resnet34`") || !strings.Contains(err.Error(), dir) {
		t.Errorf("nothing in the cache: %v", err)
	}
	path := filepath.Join(dir, "resnet34-b627a593.pth")
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := weights.Locate(weights.ImageNet, "resnet34"); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a folder: %v", err)
	}
	os.Remove(path)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := weights.Locate(weights.ImageNet, "resnet34"); err != nil || got != path {
		t.Errorf("got %q, %v, want %q", got, err, path)
	}
}

func TestCacheDir(t *testing.T) {
	t.Setenv(weights.CacheEnv, "")
	t.Setenv("XDG_CACHE_HOME", "/xdg")
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := weights.CacheDir(); err != nil || got != filepath.Join(user, "idml", "weights") {
		t.Errorf("got %q, %v", got, err)
	}
	t.Setenv(weights.CacheEnv, "/elsewhere")
	if got, err := weights.CacheDir(); err != nil || got != "/elsewhere/weights" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestOrderFetch fetches into the cache from a server; internal/fetch tests what can go wrong on the way.
func TestOrderFetch(t *testing.T) {
	dir := cache(t)
	data := readSample(t, "views.pth")
	cut := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/views.pth" {
			http.NotFound(w, r)
			return
		}
		if cut {
			w.Header().Set("Content-Length", "5644")
			w.Write(data[:1000])
			return
		}
		http.ServeFile(w, r, "testdata/views.pth")
	}))
	defer s.Close()
	order := weights.Order{Name: "views-" + hexHash(data)[:8] + ".pth"}
	order.SHA256 = weights.HashInName(order.Name)
	order.Check = func(path string) error { _, err := weights.Open(path); return err }
	var last int64
	order.Progress = func(done, total int64) { last = done }

	if _, err := order.Fetch(t.Context(), s.Client(), s.URL+"/views.pth"); err == nil || !strings.Contains(err.Error(), "goes on after 1000 bytes") || !strings.Contains(err.Error(), order.Name) {
		t.Errorf("cut off: %v", err)
	}
	cut = false
	path, err := order.Fetch(t.Context(), s.Client(), s.URL+"/views.pth")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, data) || path != filepath.Join(dir, order.Name) || last != int64(len(data)) {
		t.Errorf("%s, %v, progress up to %d", path, err, last)
	}
	other := weights.Order{Name: "x-00000000.pth", SHA256: "00000000"}
	if _, err := other.Fetch(t.Context(), s.Client(), s.URL+"/views.pth"); err == nil || !strings.Contains(err.Error(), "begins with 00000000") || !strings.Contains(err.Error(), hexHash(data)) {
		t.Errorf("wrong hash: %v", err)
	}
	if _, err := other.Fetch(t.Context(), s.Client(), s.URL+"/none.pth"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("not found: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
}

func TestOrderTake(t *testing.T) {
	dir := cache(t)
	data := readSample(t, "views.pth")
	name := "views-" + hexHash(data)[:8] + ".pth"
	refused := errors.New("refused")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx   context.Context
		order weights.Order
		file  string
		want  string
	}{
		{t.Context(), weights.Order{Name: "x.pth", SHA256: hexHash(nil)}, "testdata/views.pth", hexHash(data)},
		{t.Context(), weights.Order{Name: "x.pth", Check: func(string) error { return refused }}, "testdata/views.pth", "refused"},
		{t.Context(), weights.Order{Name: "x.pth"}, "testdata/none.pth", "no such file"},
		{t.Context(), weights.Order{Name: "x.pth"}, "testdata", "not a file"},
		{canceled, weights.Order{Name: "x.pth"}, "testdata/views.pth", "canceled"},
		{t.Context(), weights.Order{Name: "../x.pth"}, "testdata/views.pth", "no name"},
		{t.Context(), weights.Order{Name: ".."}, "testdata/views.pth", "no name"},
		{t.Context(), weights.Order{Name: ""}, "testdata/views.pth", "no name"},
	} {
		if _, err := test.order.Take(test.ctx, test.file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v of %s: error %v, want %q", test.order, test.file, err, test.want)
		}
	}
	path, err := weights.Order{Name: name, SHA256: weights.HashInName(name)}.Take(t.Context(), "testdata/views.pth")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := (weights.Order{Name: name}).Take(t.Context(), path); err != nil || again != path {
		t.Errorf("of its own place: %q, %v", again, err)
	}
	got, err := os.ReadFile(path)
	entries, _ := os.ReadDir(dir)
	if err != nil || !bytes.Equal(got, data) || len(entries) != 1 {
		t.Errorf("%v; the cache holds %v", err, entries)
	}
}

func TestNameInURL(t *testing.T) {
	for address, want := range map[string]string{
		"https://host/models/a-01234567.pth": "a-01234567.pth", "http://host/a%20b.pth?download=true#x": "a b.pth",
		"https://host": "", "https://host/": "", "host/a.pth": "", "file:///a.pth": "", "https://host/%zz": "",
	} {
		got, err := weights.NameInURL(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", address, got, err, want)
		}
	}
}
