// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image/png"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
	"introspection/internal/kernel"
	"introspection/plots"
)

// cellOf runs a command as a worker does, and returns what it prints and shows. What succeeds says nothing on stderr, which a notebook shows as a fault.
func cellOf(t *testing.T, ctx context.Context, r *experiment.Resident, args ...string) (kernel.Outcome, string, []kernel.Output) {
	t.Helper()
	var text, faults bytes.Buffer
	var all []kernel.Output
	outcome := runWork(ctx, r, kernel.Work{
		Args: args, Stdout: &text, Stderr: &faults,
		Display: func(o kernel.Output) {
			if o.Data[plainType] == "" {
				t.Errorf("%s shows nothing to front-ends of text: %v", args[0], o.Data)
			}
			all = append(all, o)
		},
	})
	if outcome.Status == exitOK && faults.Len() > 0 {
		t.Errorf("%s says on stderr %q", args[0], faults.String())
	}
	return outcome, text.String(), all
}

// having returns the outputs that have a type with a text in it.
func having(all []kernel.Output, mime, text string) (found []kernel.Output) {
	for _, s := range all {
		if data, ok := s.Data[mime]; ok && strings.Contains(data, text) {
			found = append(found, s)
		}
	}
	return found
}

// Commands of a worker display tables, figures, pictures and pages, and the second one on a run finds its model as the first one left it.
func TestWorkerCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	b := backendtest.Open(t)
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	well := func(args ...string) (string, []kernel.Output) {
		t.Helper()
		outcome, text, all := cellOf(t, t.Context(), r, args...)
		if outcome != (kernel.Outcome{}) {
			t.Fatalf("%v: %+v", args, outcome)
		}
		return text, all
	}
	text, all := well(append([]string{"train", "--data", images, "--out", "run"}, tiny(sets("data.batch_size=6", "epochs=2")...)...)...)
	if !strings.Contains(text, "the run is in run\n") || strings.Contains(text, "R@2") || strings.ContainsAny(text, "\r") {
		t.Errorf("training prints %q", text)
	}
	if got := having(all, htmlType, `<progress value="1.0000"`); len(got) == 0 || got[0].Name != "progress" || !strings.HasPrefix(got[0].Data[plainType], "epoch 2/2 [##########] 3/3") {
		t.Errorf("training shows no progress to its end: %+v", all)
	}
	curves := having(all, pngType, "")
	if len(curves) == 0 || curves[len(curves)-1].Name != "curves" || !strings.HasPrefix(curves[len(curves)-1].Data[plainType], "curves up to epoch 2: R@1 0.") {
		t.Errorf("%d figures of curves", len(curves))
	}
	if got := having(all, htmlType, "<table>"); len(got) != 1 || !strings.Contains(got[0].Data[plainType], "last epoch") {
		t.Errorf("training shows the tables %+v", got)
	}
	for range 2 {
		if _, all = well("eval", "run"); len(having(all, htmlType, ">R@1</th>")) != 1 {
			t.Errorf("eval shows %+v", all)
		}
	}
	programs := r.Counts().Programs
	for range 2 {
		if _, all = well("uncertainty", "--bootstrap", "40", "--figures", "figures", "run"); len(having(all, htmlType, "</table>")) != 1 || len(having(all, pngType, "")) < 3 {
			t.Errorf("uncertainty shows %+v", all)
		}
		if got := r.Counts(); got.Models != 1 || got.Programs != programs+1 { // which gives features
			t.Errorf("after uncertainty: %+v", got)
		}
	}
	if _, all = well("compare", "--figure", "f.png", "run"); len(having(all, htmlType, ">seeds</th>")) != 1 || len(having(all, pngType, "")) != 1 {
		t.Errorf("compare shows %+v", all)
	}
	well("embed", "--run", "run", "--data", images, "--out", "x.safetensors")
	query := filepath.Join(images, "class5", "0.png")
	for range 2 {
		_, all = well("search", "--index", "x.safetensors", "--run", "run", "--k", "3", query)
		pictures := having(all, htmlType, "<img")
		if len(pictures) != 1 || strings.Count(pictures[0].Data[htmlType], "<figure") != 4 || len(having(all, htmlType, ">similarity</th>")) != 1 {
			t.Errorf("search shows %+v", all)
		}
	}
	if _, all = well("report", "run"); len(having(all, htmlType, `<iframe src="run/report.html"`)) != 1 {
		t.Errorf("report shows %+v", all)
	}
	if got := r.Counts(); got.Backends != 1 || got.Models != 1 || got.Programs != programs+1 {
		t.Errorf("after all commands: %+v", got)
	}
}

// A second training of a worker has the programs of the first, and a folder that is a run already is no reason to give them up.
func TestWorkerTrains(t *testing.T) {
	t.Chdir(t.TempDir())
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	b := backendtest.Open(t)
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	for _, c := range []struct {
		out    string
		status int
		set    []string
	}{{"one", exitOK, sets("seed=0")}, {"one", exitError, sets("metric.tau=9")}, {"two", exitOK, sets("seed=1", "epochs=2")}} {
		args := append([]string{"train", "--data", images, "--out", c.out, "--set", "data.batch_size=6"}, append(tiny(), c.set...)...)
		if outcome, _, _ := cellOf(t, t.Context(), r, args...); outcome.Status != c.status {
			t.Fatalf("%v: %+v", args, outcome)
		}
		if got := r.Counts(); got.Trainings != 1 || got.Programs == 0 {
			t.Errorf("%v: %+v", c.set, got)
		}
	}
}

// Errors of a worker's command are those of the program, which prints them.
func TestWorkerErrors(t *testing.T) {
	for _, args := range [][]string{{"nonsense"}, {"eval", "nowhere"}, {"eval"}, {"-v", "report", "nowhere"}} {
		_, stderr, status := program(t, args...)
		outcome, text, _ := cellOf(t, t.Context(), nil, args...)
		if outcome.Status != status || "idml: "+outcome.Error+"\n" != stderr || text != "" {
			t.Errorf("%v: %+v, it prints %q; the program: status %d, %s", args, outcome, text, status, stderr)
		}
	}
}

// Interrupted training in a worker leaves a run that can be resumed.
func TestWorkerInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	b := backendtest.Open(t)
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	ctx, cancel := context.WithCancel(t.Context())
	work := kernel.Work{
		Args:   append([]string{"train", "--data", images, "--out", "run"}, tiny(sets("data.batch_size=6", "epochs=100000")...)...),
		Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{},
		Display: func(o kernel.Output) {
			if o.Name == "progress" {
				cancel()
			}
		},
	}
	outcome := runWork(ctx, r, work)
	if outcome.Status != exitInterrupted || outcome.Error != "interrupted" {
		t.Errorf("%+v", outcome)
	}
	results, err := readResults("run")
	if err != nil || results.Status != runlog.StatusStopped {
		t.Fatalf("%+v, %v", results, err)
	}
	resumed, cancel := context.WithCancel(t.Context())
	work.Args = []string{"train", "--resume", "run"}
	work.Display = func(o kernel.Output) {
		if o.Name == "progress" {
			cancel()
		}
	}
	if outcome := runWork(resumed, r, work); outcome.Status != exitInterrupted {
		t.Errorf("resumed: %+v", outcome)
	}
	if more, err := readResults("run"); err != nil || more.Steps <= results.Steps {
		t.Errorf("resumed, %d steps became %d, %v", results.Steps, more.Steps, err)
	}
}

// Training that doesn't begin shows nothing of an earlier one in the same folder.
func TestWorkerNotBegun(t *testing.T) {
	t.Chdir(t.TempDir())
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	b := backendtest.Open(t)
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	train := append([]string{"train", "--data", images, "--out", "run"}, tiny(sets("data.batch_size=6", "epochs=1")...)...)
	if outcome, _, all := cellOf(t, t.Context(), r, train...); outcome.Status != exitOK || len(having(all, pngType, "")) == 0 {
		t.Fatalf("%+v shows %+v", outcome, all)
	}
	for _, args := range [][]string{train, {"train", "--resume", "run"}} {
		if outcome, _, all := cellOf(t, t.Context(), r, args...); outcome.Status != exitError || len(all) > 0 {
			t.Errorf("%v: %+v shows %+v", args, outcome, all)
		}
	}
}

// Training may take its time after an interrupt; what else doesn't stop is ended.
func TestPatience(t *testing.T) {
	for args, want := range map[string]bool{"train --out x": true, "-v train": true, "sweep": true, "eval train": false, "help": false, "": false} {
		if got := patienceOf(strings.Fields(args)) == 0; got != want {
			t.Errorf("%q: %t, want %t", args, got, want)
		}
	}
}

// A worker is started by a kernel.
func TestWorkerAlone(t *testing.T) {
	for _, test := range []struct {
		verb, want string
		status     int
	}{{"worker", "started by a kernel", exitError}, {"release", "%idml kernel release", exitUsage}} {
		if _, stderr, status := program(t, "kernel", test.verb); status != test.status || !strings.Contains(stderr, test.want) {
			t.Errorf("kernel %s: status %d, %s", test.verb, status, stderr)
		}
	}
}

func TestTableHTML(t *testing.T) {
	const left, right = `style="text-align:left;white-space:nowrap"`, `style="text-align:right;white-space:nowrap"`
	got := tableHTML("\tR@1\tsource\tover seeds\t\n<a>\t0.5\tFigure 2\t[−0.1, +0.2]\t\nb\t–\t\t\t\n")
	want := `<table><tr><th ` + left + `></th><th ` + right + `>R@1</th><th ` + left + `>source</th><th ` + right + `>over seeds</th></tr>` +
		`<tr><td ` + left + `>&lt;a&gt;</td><td ` + right + `>0.5</td><td ` + left + `>Figure 2</td><td ` + right + `>[−0.1, +0.2]</td></tr>` +
		`<tr><td ` + left + `>b</td><td ` + right + `>–</td><td ` + left + `></td><td ` + right + `></td></tr></table>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// On a terminal a table is text, and nothing is displayed.
func TestTableOnTerminal(t *testing.T) {
	var out bytes.Buffer
	env := &environment{stdout: &out, stderr: &out}
	w := env.table(0)
	_, _ = w.Write([]byte("a\tb\nlong\tc\n"))
	for range 2 {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	env.showPage("report.html")
	env.showFigure("name", "text", nil)
	env.showFound(nil, "")
	if out.String() != "a     b\nlong  c\n" {
		t.Errorf("printed %q", out.String())
	}
}

// A figure that is saved is displayed as a picture of two dots a px, in its own size; a page, if the notebook's server finds it.
func TestShowFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var all []kernel.Output
	env := &environment{display: func(o kernel.Output) { all = append(all, o) }}
	figure, err := plots.NewIntervals("R@1", []plots.Method{{Name: "plain", Values: []float64{0.7, 0.8}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := env.saveFigure("a.svg", figure); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile("a.svg"); err != nil || !bytes.Contains(data, []byte("<svg")) || len(all) != 1 || all[0].Data[plainType] != "a.svg" {
		t.Fatalf("%.40q, %v; shown: %+v", data, err, all)
	}
	picture, err := png.DecodeConfig(base64.NewDecoder(base64.StdEncoding, strings.NewReader(all[0].Data[pngType])))
	if size, ok := all[0].Metadata[pngType].(map[string]int); err != nil || !ok || picture.Width != 2*size["width"] || picture.Height != 2*size["height"] || picture.Width == 0 {
		t.Errorf("a picture of %d × %d, %v; metadata %v", picture.Width, picture.Height, err, all[0].Metadata)
	}
	if err := env.saveFigure("nowhere/a.svg", figure); !errors.Is(err, fs.ErrNotExist) || len(all) > 1 {
		t.Errorf("no folder: %v", err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"runs/a&b.html": "runs/a&amp;b.html", filepath.Join(here, "runs", "a&b.html"): "runs/a&amp;b.html", "a #1?.html": "a%20%231%3F.html",
		"../a.html": "", filepath.Dir(here): "",
	} {
		all = nil
		env.showPage(path)
		if len(all) != min(len(want), 1) || want != "" && !strings.Contains(all[0].Data[htmlType], ` src="`+want+`"`) {
			t.Errorf("%q: %+v", path, all)
		}
	}
}

// The figure of a training is drawn anew when something new is noted, at intervals, which are the longer the longer a drawing takes.
func TestLiveCurves(t *testing.T) {
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WriteConfig(idml.Glyphs()); err != nil {
		t.Fatal(err)
	}
	step := 0
	note := func() {
		t.Helper()
		step++
		if err := run.AppendRecord(runlog.Record{Kind: runlog.KindStep, Epoch: 1, Step: step, Loss: 1}); err != nil {
			t.Fatal(err)
		}
	}
	const slow = 200 * time.Millisecond
	drawn := 0
	l := &liveCurves{env: &environment{display: func(kernel.Output) { drawn++; time.Sleep(slow) }}, dir: run.Dir()}
	now := time.Now()
	expect := func(what string, want int) {
		t.Helper()
		if drawn != want {
			t.Errorf("%s: drawn %d times, want %d", what, drawn, want)
		}
	}
	l.update(now)
	expect("nothing noted", 0)
	note()
	now = now.Add(time.Hour)
	l.update(now)
	expect("a step", 1)
	note()
	l.update(now.Add(liveShare*slow - 1)) // long after liveInterval
	expect("a moment later", 1)
	l.update(now.Add(time.Hour))
	expect("an hour later", 2)
	l.update(now.Add(2 * time.Hour))
	expect("nothing new", 2)
	note()
	l.draw()
	expect("the end", 3)
}

// A notebook's progress is one output, which ends with what was said last.
func TestNotebookProgress(t *testing.T) {
	var all []kernel.Output
	env := &environment{display: func(o kernel.Output) { o.Data = maps.Clone(o.Data); all = append(all, o) }}
	p := env.progress()
	for _, text := range []string{"1 <", "2", "3"} { // faster than anybody can read
		p.update(text)
	}
	p.clear()
	p.clear()
	var texts []string
	for _, s := range all {
		texts = append(texts, s.Name+" "+s.Data[plainType])
	}
	if !slices.Equal(texts, []string{"progress 1 <", "progress 3"}) || !strings.Contains(all[0].Data[htmlType], "1 &lt;") {
		t.Errorf("%+v", all)
	}
}
