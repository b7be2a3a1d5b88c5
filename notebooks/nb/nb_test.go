// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"encoding/gob"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// shown is what the kernel was given for display.
type shown struct {
	ID      string
	MIME    protocol.MIMEType
	Content string
}

// A kernel stands for GoNB at the other ends of the two pipes.
type kernel struct {
	mu   sync.Mutex
	seen []shown
}

func (k *kernel) take() []shown {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := k.seen
	k.seen = nil
	return seen
}

// startKernel makes the test's program one that a kernel runs. gonbui connects once, so it can be called in one test only.
func startKernel(t *testing.T) *kernel {
	t.Helper()
	dir := t.TempDir()
	to, from := filepath.Join(dir, "to"), filepath.Join(dir, "from")
	for _, name := range []string{to, from} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(protocol.GONB_PIPE_ENV, to)
	t.Setenv(protocol.GONB_PIPE_BACK_ENV, from)
	gonbui.IsNotebook = true
	t.Cleanup(func() { gonbui.IsNotebook = false })
	k := new(kernel)
	go k.serve(t, to, from)
	return k
}

func (k *kernel) serve(t *testing.T, to, from string) {
	in, err := os.OpenFile(to, os.O_RDONLY, 0)
	if err != nil {
		t.Error(err)
		return
	}
	out, err := os.OpenFile(from, os.O_WRONLY, 0)
	if err != nil {
		t.Error(err)
		return
	}
	decoder, encoder := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var data protocol.DisplayData
		if err := decoder.Decode(&data); err != nil {
			return // the test is over
		}
		for mime, content := range data.Data {
			switch content := content.(type) {
			case protocol.CommValue:
				encoder.Encode(&protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: content.Value})
				continue
			case string:
				k.add(shown{data.DisplayID, mime, content})
			case []byte:
				k.add(shown{data.DisplayID, mime, string(content)})
			}
		}
	}
}

func (k *kernel) add(s shown) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, s)
}

const pngHeader = "\x89PNG\r\n\x1a\n"

func drawer(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestShow(t *testing.T) {
	k := startKernel(t)
	expect := func(err error, want ...shown) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, k.take()); diff != "" {
			t.Error(diff)
		}
	}
	expect(HTML("<b>1</b>"), shown{"", protocol.MIMETextHTML, "<b>1</b>"})
	expect(Markdown("$x$"), shown{"", protocol.MIMETextMarkdown, "$x$"})
	expect(PNG(drawer(pngHeader+"x")), shown{"", protocol.MIMEImagePNG, pngHeader + "x"})
	expect(SVG(drawer("<?xml version=\"1.0\"?>\n<svg/>")), shown{"", protocol.MIMETextHTML, "<div><svg/></div>"})

	live := NewLive(time.Hour)
	other := NewLive(0)
	if live.id == other.id {
		t.Error("two places have one name")
	}
	expect(live.Update("1"), shown{live.id, protocol.MIMETextHTML, "1"})
	expect(live.Update("2"))
	expect(live.UpdatePNG(func(io.Writer) error { return errors.New("drawn for nothing") }))
	expect(live.Done("3"), shown{live.id, protocol.MIMETextHTML, "3"})
	expect(other.UpdatePNG(drawer(pngHeader)), shown{other.id, protocol.MIMEImagePNG, pngHeader})
	expect(other.DonePNG(drawer(pngHeader+"2")), shown{other.id, protocol.MIMEImagePNG, pngHeader + "2"})
}

func TestErrors(t *testing.T) {
	broken := errors.New("no data")
	fails := func(io.Writer) error { return broken }
	for name, err := range map[string]error{
		"PNG": PNG(fails), "SVG": SVG(fails), "UpdatePNG": NewLive(0).UpdatePNG(fails), "DonePNG": NewLive(0).DonePNG(fails),
	} {
		if !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want %v", name, err, broken)
		}
	}
	if err := PNG(drawer("<svg/>")); err == nil || !strings.Contains(err.Error(), "no PNG") {
		t.Errorf("an SVG as PNG: %v", err)
	}
	if err := SVG(drawer(pngHeader)); err == nil || !strings.Contains(err.Error(), "no SVG") {
		t.Errorf("a PNG as SVG: %v", err)
	}
	if err := SVG(drawer("")); err == nil {
		t.Error("an empty figure was shown")
	}
}

func TestOutsideNotebook(t *testing.T) {
	for _, err := range []error{HTML("x"), Markdown("x"), PNG(drawer(pngHeader)), NewLive(0).Done("x")} {
		if err != nil {
			t.Error(err)
		}
	}
}
