// SPDX-License-Identifier: Apache-2.0

// Package nb shows figures, HTML and progress in a notebook's cell.
//
// [PNG] and [SVG] take the functions that draw a figure to a writer, [HTML] and [Markdown] take text, and a [Live] is one
// place of the output that changes while a cell works. Everything is on its way to the browser before a function returns, so
// that a cell's program may end at any time. Outside a notebook figures are drawn, so that their errors show, and nothing is
// displayed. [Must], [Show], [Table] and [Say] are short forms that end a cell with an error.
//
// A [Probe] asks a loss what it wants of a pair, a [Mixture] is images that were mixed, and [Compared] is a table that "idml compare" wrote.
//
// [Photographs] are the paper's datasets where they are at hand, and small drawn ones in their layouts where they are not.
package nb

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// PNG shows the figure that draw writes in PNG format. It returns draw's error, and an error if that isn't a PNG.
func PNG(draw func(io.Writer) error) error {
	data, err := drawn(draw, "\x89PNG\r\n\x1a\n", "PNG")
	if err != nil {
		return err
	}
	return send("", map[protocol.MIMEType]any{protocol.MIMEImagePNG: data})
}

// SVG shows the figure that draw writes in SVG format, as HTML: notebooks keep it so when they are exported. It returns
// draw's error, and an error if that isn't SVG.
func SVG(draw func(io.Writer) error) error {
	data, err := drawn(draw, "<svg", "SVG")
	if err != nil {
		return err
	}
	data = data[bytes.Index(data, []byte("<svg")):] // an XML header has no place inside HTML
	return HTML("<div>" + string(data) + "</div>")
}

// HTML shows a piece of HTML.
func HTML(html string) error {
	return send("", map[protocol.MIMEType]any{protocol.MIMETextHTML: html})
}

// Markdown shows a text in Markdown, in which $…$ is a formula.
func Markdown(text string) error {
	return send("", map[protocol.MIMEType]any{protocol.MIMETextMarkdown: text})
}

// drawn returns what draw writes, which must hold mark (near its beginning).
func drawn(draw func(io.Writer) error, mark, format string) ([]byte, error) {
	var buffer bytes.Buffer
	if err := draw(&buffer); err != nil {
		return nil, fmt.Errorf("nb: drawing a figure: %w", err)
	}
	const header = 1 << 10
	if head := buffer.Bytes()[:min(buffer.Len(), header)]; !bytes.Contains(head, []byte(mark)) {
		return nil, fmt.Errorf("nb: the figure is no %s: it begins with %.20q", format, head)
	}
	return buffer.Bytes(), nil
}

// send displays data, in the place named id if it isn't empty, and waits until the kernel has taken it.
func send(id string, data map[protocol.MIMEType]any) error {
	return deliver(&protocol.DisplayData{Data: data, DisplayID: id})
}

// deliver displays data and waits until the kernel has taken it.
func deliver(data *protocol.DisplayData) error {
	if !gonbui.IsNotebook {
		return nil
	}
	gonbui.SendData(data)
	if err := gonbui.Error(); err != nil {
		return fmt.Errorf("nb: the kernel can't be reached: %w", err)
	}
	gonbui.Sync()
	return nil
}

// A Live is one place in a cell's output whose content changes: a line that tells how far a training run is, or a curve that
// grows. Updates that follow another too soon are left out, so that neither the browser nor the saved notebook is flooded;
// [Live.Done] always shows. Its methods may be called from several goroutines.
type Live struct {
	interval time.Duration

	mu   sync.Mutex
	id   string
	last time.Time
}

// NewLive returns a Live that shows at most one update per interval. Nothing is shown before the first.
func NewLive(interval time.Duration) *Live {
	return &Live{interval: interval, id: "nb_" + gonbui.UniqueId()}
}

// Update shows a piece of HTML in place of what was there, or does nothing if the last update was a moment ago.
func (l *Live) Update(html string) error {
	return l.show(false, protocol.MIMETextHTML, func() (any, error) { return html, nil })
}

// UpdatePNG is Update for the figure that draw writes in PNG format. If it does nothing, draw isn't called.
func (l *Live) UpdatePNG(draw func(io.Writer) error) error {
	return l.show(false, protocol.MIMEImagePNG, func() (any, error) { return drawn(draw, "\x89PNG\r\n\x1a\n", "PNG") })
}

// Done shows a piece of HTML as the last content.
func (l *Live) Done(html string) error {
	return l.show(true, protocol.MIMETextHTML, func() (any, error) { return html, nil })
}

// DonePNG is Done for the figure that draw writes in PNG format.
func (l *Live) DonePNG(draw func(io.Writer) error) error {
	return l.show(true, protocol.MIMEImagePNG, func() (any, error) { return drawn(draw, "\x89PNG\r\n\x1a\n", "PNG") })
}

func (l *Live) show(always bool, mime protocol.MIMEType, content func() (any, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !always && time.Since(l.last) < l.interval {
		return nil
	}
	data, err := content()
	if err != nil {
		return err
	}
	l.last = time.Now()
	return send(l.id, map[protocol.MIMEType]any{mime: data})
}
