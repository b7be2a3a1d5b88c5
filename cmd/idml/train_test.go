// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
	"introspection/idml/runlog"
)

// tiny are options that make a training take seconds: they are too small to learn anything of use.
func tiny(more ...string) []string {
	return append(sets("epochs=1", "data.image_size=16", "model.backbone.stem=small", "model.backbone.width=4", "model.backbone.blocks=[1]",
		"model.embedding_size=8"), more...)
}

func sets(changes ...string) (args []string) {
	for _, change := range changes {
		args = append(args, "--set", change)
	}
	return args
}

// writeImages makes a folder of class folders with small random PNG images: images[i] of them in class i.
func writeImages(t *testing.T, images ...int) string {
	t.Helper()
	dir := t.TempDir()
	for class, n := range images {
		for i := range n {
			rng := rand.New(rand.NewPCG(uint64(class), uint64(i)))
			img := image.NewNRGBA(image.Rect(0, 0, 12, 10))
			for k := range 120 {
				img.SetNRGBA(k%12, k/12, color.NRGBA{uint8(40 * class), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255})
			}
			var data bytes.Buffer
			if err := png.Encode(&data, img); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, fmt.Sprintf("class%d", class), fmt.Sprintf("%d.png", i)), data.Bytes())
		}
	}
	return dir
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// succeed runs the program, which must exit with status 0, and returns what it printed.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, status := program(t, args...)
	if status != exitOK {
		t.Fatalf("idml %s: status %d, %s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

// fail runs the program, which must fail with one line on the standard error, nothing on the other, and that text in it.
func fail(t *testing.T, status int, text string, args ...string) {
	t.Helper()
	stdout, stderr, got := program(t, args...)
	stderr = regexp.MustCompile(`(?m)^baselines: .*\n`).ReplaceAllString(stderr, "") // what had begun before
	if got != status || !strings.HasPrefix(stderr, "idml: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, text) || stdout != "" {
		t.Errorf("idml %s: status %d, want %d; %q, want one line that says %q; stdout %q", strings.Join(args, " "), got, status, stderr, text, stdout)
	}
}

// results reads what a run came to.
func results(t *testing.T, dir string) runlog.Results {
	t.Helper()
	run, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := run.Results()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// snapshot returns the contents of all files below a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFromTrainingToReport takes letters through the program: train twice, eval, report, compare.
func TestFromTrainingToReport(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "seed-0"), filepath.Join(dir, "seed-1")
	stdout, stderr, status := program(t, append([]string{"train", "--recipe", "glyphs", "--out", first}, tiny()...)...)
	if status != exitOK || !regexp.MustCompile(`^baselines: .*\nbaselines: .*\nepoch 1 of 1: R@1 0\.\d{3}\nmeasuring the last epoch .*\n$`).MatchString(stderr) {
		t.Fatalf("train: status %d, %q", status, stderr)
	}
	for _, text := range []string{"R@1", "MAP@R", runlog.RowRawPixels, runlog.RowUntrained, runlog.RowLast, runlog.RowBest, "56 steps in ", first} {
		if !strings.Contains(stdout, text) {
			t.Errorf("train doesn't print %q:\n%s", text, stdout)
		}
	}
	for _, name := range []string{runlog.ConfigFile, runlog.EnvironmentFile, runlog.MetricsFile, runlog.ModelFile, runlog.PredictionsFile, runlog.ResultsFile, runlog.LogFile} {
		if info, err := os.Stat(filepath.Join(first, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}

	t.Run("eval", func(t *testing.T) { checkEvalOfRun(t, first) })
	t.Run("report", func(t *testing.T) {
		path := filepath.Join(first, "report.html")
		if got := succeed(t, "report", first); got != path+"\n" {
			t.Errorf("printed %q, want %q", got, path)
		}
		html, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(html), "<html") || !strings.Contains(string(html), runlog.RowUntrained) {
			t.Errorf("the report: %v, %.100q", err, html)
		}
		succeed(t, "report", first)
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(html, again) {
			t.Errorf("the second report differs (%v)", err)
		}
	})
	t.Run("exists", func(t *testing.T) {
		before := snapshot(t, dir)
		fail(t, exitError, first, append([]string{"train", "--recipe", "glyphs", "--out", first}, tiny()...)...)
		fail(t, exitError, "finished", "train", "--resume", first)
		if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
			t.Errorf("files changed:\n%s", diff)
		}
	})
	succeed(t, append([]string{"train", "--recipe", "glyphs", "--out", second, "--set", "seed=1"}, tiny()...)...)
	t.Run("compare", func(t *testing.T) { checkCompare(t, first, second) })
	t.Run("embed and search", func(t *testing.T) { checkEmbedAndSearch(t, first, second) })
}

// A config that --print-config shows reads back as it is, from every recipe and with changes.
func TestPrintConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	for _, args := range [][]string{
		{"--recipe", "glyphs"},
		{"--recipe", "fashion", "--data", "somewhere"},
		{"--data", "birds"},
		{"--recipe", "glyphs", "--set", "seed=18446744073709551615", "--set", "optimizer.lr=3e-4", "--set", "metric.form=paper", "--set", "model.backbone.blocks=[3,4,6,3]"},
	} {
		printed := succeed(t, append([]string{"train", "--print-config"}, args...)...)
		var cfg idml.Config
		if err := json.Unmarshal([]byte(printed), &cfg); err != nil {
			t.Fatal(err)
		}
		if err := cfg.Validate(); err != nil {
			t.Error(err)
		}
		writeFile(t, file, []byte(printed))
		if again := succeed(t, "train", "--print-config", "--config", file); again != printed {
			t.Errorf("%v: read back, it is\n%s\nwant\n%s", args, again, printed)
		}
	}
}

// interrupter is a standard error that ends a context when a text is printed on it.
type interrupter struct {
	bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (w *interrupter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.cancel()
	}
	return w.Buffer.Write(p)
}

// An interrupted training leaves a run that can be measured, reported and resumed, and comes to what an unbroken one comes to.
func TestInterruptedTraining(t *testing.T) {
	images, dir := writeImages(t, 6, 6, 6, 4, 4, 4), t.TempDir()
	training := func(out string) []string {
		return append([]string{"train", "--data", images, "--out", out}, tiny(sets("epochs=3", "data.batch_size=6", "mixing.method=none")...)...)
	}
	whole, broken := filepath.Join(dir, "whole"), filepath.Join(dir, "broken")
	succeed(t, training(whole)...)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	stderr := &interrupter{text: "epoch 1 of 3", cancel: cancel}
	if status := run(ctx, strings.NewReader(""), &stdout, stderr, training(broken)); status != exitInterrupted || !strings.HasSuffix(stderr.String(), "\nidml: interrupted\n") {
		t.Fatalf("status %d, %q", status, stderr.String())
	}
	if want := "stopped; go on with: idml train --resume " + broken + "\n"; !strings.HasSuffix(stdout.String(), want) {
		t.Errorf("printed %q, want %q at its end", stdout.String(), want)
	}
	if r := results(t, broken); r.Status != runlog.StatusStopped || r.Epochs != 1 || r.Steps != 4 {
		t.Errorf("results of the stopped run: %+v", r)
	}
	succeed(t, "eval", broken)
	succeed(t, "report", broken)
	fail(t, exitError, "not finished", "compare", whole, broken)

	succeed(t, "train", "--resume", broken)
	got, want := results(t, broken), results(t, whole)
	if diff := cmp.Diff(want.Rows, got.Rows); diff != "" || got.Steps != want.Steps || got.Status != runlog.StatusFinished {
		t.Errorf("resumed, it ends %s after %d steps (-unbroken +resumed):\n%s", got.Status, got.Steps, diff)
	}
	log, err := os.ReadFile(filepath.Join(broken, runlog.LogFile))
	if want := regexp.MustCompile(`(?s) training, .* from epoch 1, .* epoch 1 of 3, .* stopped: epochs 1, .* training resumed, .* from epoch 2, .* epoch 3 of 3, .* finished: epochs 3, `); err != nil || !want.Match(log) {
		t.Errorf("the log (%v):\n%s", err, log)
	}
	if events, err := filepath.Glob(filepath.Join(broken, "events.out.tfevents.*.idml")); err != nil || len(events) != 2 {
		t.Errorf("event files: %v, %v", events, err)
	}
}

func TestTrainBadInput(t *testing.T) {
	dir := t.TempDir()
	good, lone, empty := writeImages(t, 4, 4, 4, 4), writeImages(t, 4, 4, 4, 1), t.TempDir()
	broken, cut := writeImages(t, 4, 4, 4, 4), writeImages(t, 4, 4, 4, 4)
	writeFile(t, filepath.Join(broken, "class2", "holiday.png"), []byte("no image"))
	whole, err := os.ReadFile(filepath.Join(cut, "class3", "1.png"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(cut, "class3", "1.png"), whole[:len(whole)/2])
	config := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		writeFile(t, path, []byte(text))
		return path
	}
	printed := succeed(t, "train", "--print-config", "--recipe", "glyphs")
	small := sets("data.batch_size=4")
	for _, test := range []struct {
		name   string
		status int
		text   string
		args   []string
	}{
		{"no source", exitUsage, "--recipe", nil},
		{"unknown recipe", exitError, "fashion, folder, glyphs", []string{"--recipe", "birds"}},
		{"no photographs", exitError, "--data", []string{"--recipe", "cub"}},
		{"unknown option", exitUsage, "--recipes", []string{"--recipes", "glyphs"}},
		{"stray argument", exitUsage, `"runs"`, []string{"--recipe", "glyphs", "runs"}},
		{"recipe and config", exitUsage, "--config", []string{"--recipe", "glyphs", "--config", "x.json"}},
		{"unknown key", exitError, "lr, momentum", []string{"--recipe", "glyphs", "--set", "optimizer.rate=1"}},
		{"group", exitError, "group", []string{"--recipe", "glyphs", "--set", "optimizer=1"}},
		{"wrong type", exitError, "epochs", []string{"--recipe", "glyphs", "--set", "epochs=many"}},
		{"wrong value", exitError, "epochs is 0", []string{"--recipe", "glyphs", "--set", "epochs=0"}},
		{"two wrong values", exitError, "data.workers", []string{"--recipe", "glyphs", "--set", "epochs=0", "--set", "data.workers=0"}},
		{"no stages", exitError, "model.backbone", []string{"--recipe", "glyphs", "--set", "model.backbone.blocks=[]"}},
		{"no value", exitUsage, "KEY=VALUE", []string{"--recipe", "glyphs", "--set", "epochs"}},
		{"unknown data", exitError, "data.name", []string{"--recipe", "glyphs", "--set", "data.name=letters"}},
		{"missing config", exitError, "none.json", []string{"--config", "none.json"}},
		{"config with an unknown key", exitError, `"speed"`, []string{"--config", config("c.json", `{"speed": 1}`)}},
		{"config with less", exitError, "data.augment", []string{"--config", config("c.json", strings.Replace(printed, `"augment": true,`, "", 1))}},
		{"config with more", exitError, "c.json", []string{"--config", config("c.json", printed+"{}")}},
		{"config cut off", exitError, "c.json", []string{"--config", config("c.json", printed[:100])}},
		{"missing folder", exitError, "nowhere", []string{"--data", filepath.Join(dir, "nowhere")}},
		{"empty folder", exitError, empty, []string{"--data", empty}},
		{"no folder", exitError, "--data", []string{"--recipe", "folder"}},
		{"an image that is none", exitError, "class2/holiday.png", append(small, "--data", broken)},
		{"an image cut off", exitError, "class3/1.png", append(small, "--data", cut)},
		{"a class with one image", exitError, "class3", append(small, "--data", lone)},
		{"too few images", exitError, "no batch of 60", []string{"--data", good}},
		{"resume nothing", exitError, empty, []string{"--resume", empty}},
		{"resume with changes", exitUsage, "--resume", []string{"--resume", empty, "--set", "epochs=3"}},
		{"resume and print", exitUsage, "--resume", []string{"--resume", empty, "--print-config"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := test.args
			out := filepath.Join(t.TempDir(), "run")
			if !strings.HasPrefix(test.name, "resume") {
				args = append([]string{"--out", out}, args...)
			}
			fail(t, test.status, test.text, append([]string{"train"}, args...)...)
			if _, err := os.Stat(filepath.Join(out, runlog.ResultsFile)); err == nil {
				t.Error("it wrote results")
			}
		})
	}
	fail(t, exitUsage, "--out", "train", "--recipe", "glyphs")
}

// TestProgram is no test but the program, started by those that need it in a process of its own.
func TestProgram(t *testing.T) {
	args, ok := os.LookupEnv("IDML_TEST_PROGRAM")
	if !ok {
		t.Skip("started by other tests")
	}
	os.Exit(run(t.Context(), os.Stdin, os.Stdout, os.Stderr, strings.Split(args, "\x1f")))
}

func TestNoPlugin(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	writeFile(t, filepath.Join(dir, "x.safetensors"), embeddingsFile(t, 4, 2, nil))
	for _, args := range [][]string{
		{"train", "--recipe", "glyphs", "--out", out},
		{"eval", "--embeddings", filepath.Join(dir, "x.safetensors")},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProgram$")
		cmd.Env = append(os.Environ(), "IDML_TEST_PROGRAM="+strings.Join(args, "\x1f"), "PJRT_PLUGIN_LIBRARY_PATH="+t.TempDir(), "GOMLX_BACKEND=xla:cpu")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != exitError {
			t.Errorf("%s: status %d (%v)", args[0], got, err)
		}
		if text := stderr.String(); !strings.HasPrefix(text, "idml: ") || strings.Count(text, "\n") != 1 || !strings.Contains(text, "idml setup") {
			t.Errorf("%s prints %q, want one line that says `idml setup`", args[0], text)
		}
		if stdout.Len() > 0 {
			t.Errorf("%s prints %q", args[0], &stdout)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a run folder was made")
	}
}

// TestHelpExamples runs every example of the help texts with a context that has ended, in an empty folder: options, recipes and
// settings must exist; that a folder doesn't, or that the work is interrupted, is all that may stop it.
func TestHelpExamples(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	missing := regexp.MustCompile(`no such file|does not exist|not a folder|has no checkpoint|no runs to compare|no run has finished`)
	found := 0
	for _, c := range commands() {
		for line := range strings.Lines(c.help) {
			text, ok := strings.CutPrefix(strings.TrimSpace(line), "$ idml ")
			if !ok {
				continue
			}
			found++
			text, _, _ = strings.Cut(text, "   ") // what follows explains
			var stderr bytes.Buffer
			status := run(ctx, strings.NewReader(""), io.Discard, &stderr, strings.Fields(text))
			if status != exitOK && status != exitInterrupted && !(status == exitError && missing.MatchString(stderr.String())) {
				t.Errorf("$ idml %s\nstatus %d, %s", text, status, &stderr)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d examples found", found)
	}
}
