// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"introspection/datasets"
	"introspection/internal/sampletree"
)

// sampleTree returns a folder with a small tree of a dataset.
func sampleTree(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	o := sampletree.Options{TrainClasses: 2, TestClasses: 2, ImagesPerClass: 2, Width: 24, Height: 20, Seed: 0}
	if err := sampletree.Write(dir, name, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// classFolders returns a folder of class folders, which has no published numbers, and so is in order.
func classFolders(t *testing.T) string {
	t.Helper()
	return filepath.Join(sampleTree(t, "cub"), "CUB_200_2011", "images")
}

func TestVerifyCommand(t *testing.T) {
	stdout, stderr, status := program(t, "verify", "folder", "--data", classFolders(t))
	if status != exitOK || stderr != "" || !strings.HasSuffix(stdout, "all in order\n") || !strings.Contains(stdout, "training       4        2") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	if !strings.Contains(stdout, "gray, which is in order: 1\n  001.Drawn_Bird_1/Drawn_Bird_1_0002_700101.jpg\n") {
		t.Errorf("the gray image is not listed:\n%s", stdout)
	}
	dir := sampleTree(t, "sop")
	stdout, stderr, status = program(t, "verify", "sop", "--data", dir)
	if status != exitError || !strings.Contains(stdout, "4 of 59551  2 of 11318") || !strings.Contains(stderr, "idml: verify: sop is not in order: 4 images to train, published are 59,551;") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

// Each kind of fault is listed, also as JSON, and the exit status is 1.
func TestVerifyCommandFaults(t *testing.T) {
	dir := sampleTree(t, "cars")
	images := filepath.Join(dir, "cars196", "car_ims")
	data, err := os.ReadFile(filepath.Join(images, "000003.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"000003.jpg": data[:len(data)/2], "extra.jpg": data} {
		if err := os.WriteFile(filepath.Join(images, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(images, "000008.jpg")); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status := program(t, "verify", "cars", "--data", filepath.Join(dir, "cars196"))
	for _, want := range []string{
		"missing: 1\n  car_ims/000008.jpg\n", "extra, not of the dataset: 1\n  car_ims/extra.jpg\n",
		"unreadable: 1\n  car_ims/000003.jpg: ", "gray, which is in order: 1\n  car_ims/000002.jpg\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if status != exitError || !strings.Contains(stderr, "1 missing; 1 extra; 1 unreadable") || strings.Contains(stdout, "all in order") {
		t.Errorf("status %d, %s", status, stderr)
	}
	stdout, _, status = program(t, "verify", "cars", "--data", dir, "--json")
	var v datasets.Verification
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || status != exitError {
		t.Fatalf("status %d, error %v: %s", status, err, stdout)
	}
	if len(v.Missing) != 1 || v.Unreadable[0].Path != "car_ims/000003.jpg" || v.Train.Images != 4 || v.Test.Published.Classes != 98 {
		t.Errorf("%+v", v)
	}
}

// A manifest that was written holds, for sha256sum too, until a file changes.
func TestVerifyCommandManifest(t *testing.T) {
	dir, manifest := classFolders(t), filepath.Join(t.TempDir(), "sums")
	stdout, stderr, status := program(t, "verify", "folder", "--data", dir, "--write-manifest", manifest)
	if status != exitOK || !strings.Contains(stdout, "wrote the sums of 8 files: "+manifest) {
		t.Fatalf("status %d, %s%s", status, stdout, stderr)
	}
	if info, err := os.Stat(manifest); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the manifest's mode is %v, error %v", info.Mode(), err)
	}
	if sha256sum, err := exec.LookPath("sha256sum"); err == nil {
		check := exec.Command(sha256sum, "--check", "--strict", manifest)
		check.Dir = dir
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("sha256sum --check: %v\n%s", err, out)
		}
	}
	if _, stderr, status := program(t, "verify", "folder", "--data", dir, "--manifest", manifest); status != exitOK {
		t.Errorf("held against it: status %d, %s", status, stderr)
	}
	image := filepath.Join(dir, "102.Drawn_Bird_102", "Drawn_Bird_102_0001_710200.jpg")
	other, err := os.ReadFile(filepath.Join(dir, "102.Drawn_Bird_102", "Drawn_Bird_102_0002_710201.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(image, other, 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status = program(t, "verify", "folder", "--data", dir, "--manifest", manifest)
	if status != exitError || !strings.Contains(stdout, "changed: the sum differs from the manifest's: 1\n  102.Drawn_Bird_102/Drawn_Bird_102_0001_710200.jpg\n") {
		t.Errorf("changed: status %d, %s%s", status, stdout, stderr)
	}
}

func TestVerifyCommandErrors(t *testing.T) {
	dir, empty := classFolders(t), t.TempDir()
	broken := filepath.Join(empty, "broken")
	if err := os.WriteFile(broken, []byte("no sum\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"--data", dir}, exitUsage, "name a dataset"},
		{[]string{"cub"}, exitUsage, "--data DIR"},
		{[]string{"cub", "sop", "--data", dir}, exitUsage, `unexpected argument "sop"`},
		{[]string{"folder", "--data", dir, "--manifest", "a", "--write-manifest", "b"}, exitUsage, "exclude each other"},
		{[]string{"folder", "--data", "nowhere"}, exitError, "--data is nowhere, which is not a folder"},
		{[]string{"imagenet", "--data", dir}, exitError, "there is no folder imagenet-1k"},
		{[]string{"inshop", "--data", dir}, exitError, "want cub, cars, sop, cifar10, cifar100, imagenet, fashion or folder"},
		{[]string{"sop", "--data", empty}, exitError, "Stanford_Online_Products or Standford_Online_Products"},
		{[]string{"folder", "--data", dir, "--manifest", "missing"}, exitError, "missing"},
		{[]string{"folder", "--data", dir, "--manifest", broken}, exitError, "broken:1: want 64 hexadecimal digits"},
		{[]string{"folder", "--data", dir, "--write-manifest", filepath.Join(empty, "no", "sums")}, exitError, "no such file"},
	} {
		_, stderr, status := program(t, append([]string{"verify"}, test.args...)...)
		if status != test.status || !strings.Contains(stderr, test.stderr) {
			t.Errorf("verify %q: status %d, want %d; stderr %q, want %q", test.args, status, test.status, stderr, test.stderr)
		}
	}
}

func TestVerifyCommandInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	manifest := filepath.Join(t.TempDir(), "sums")
	var out, errs bytes.Buffer
	args := []string{"verify", "folder", "--data", classFolders(t), "--write-manifest", manifest}
	if status := run(ctx, nil, &out, &errs, args); status != exitInterrupted || errs.String() != "idml: interrupted\n" || out.Len() > 0 {
		t.Errorf("status %d, %s%s", status, out.String(), errs.String())
	}
	if _, err := os.Stat(manifest); err == nil {
		t.Error("a manifest was written")
	}
}

func TestVerifyText(t *testing.T) {
	for _, test := range []struct {
		done, total int
		want        string
	}{
		{15, 60, "[#######-----------------------]  15 of 60 files"},
		{60, 60, "[##############################]  60 of 60 files"},
		{0, 0, "[------------------------------]  0 of 0 files"},
	} {
		if got := verifyText(test.done, test.total); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// A long list is cut.
func TestPrintFiles(t *testing.T) {
	var out bytes.Buffer
	env := &environment{stdout: &out}
	env.printFiles("missing", make([]string, 25))
	if got := out.String(); strings.Count(got, "\n") != 22 || !strings.HasPrefix(got, "missing: 25\n") || !strings.HasSuffix(got, "  and 5 more, which --json lists\n") {
		t.Errorf("%s", got)
	}
	out.Reset()
	env.printFiles("missing", nil)
	if out.Len() > 0 {
		t.Errorf("an empty list prints %q", out.String())
	}
}
