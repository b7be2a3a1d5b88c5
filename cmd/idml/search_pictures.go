// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/internal/kernel"
)

// pictureSide is the side of the picture of an image, its middle, in pixels.
const pictureSide = 96

// mostPictures bounds the images found that are shown, for a notebook keeps each. Ours; the table has all.
const mostPictures = 50

// showFound displays, in a notebook, the query and the images that were found for it, at most mostPictures, which lie in a folder. An image whose file can't be read,
// as none can that lies in no folder, is left out.
func (env *environment) showFound(found *experiment.Found, folder string) {
	if env.display == nil {
		return
	}
	var figures strings.Builder
	add := func(path, name, caption string) {
		data, err := readPicture(path)
		if err != nil {
			return
		}
		fmt.Fprintf(&figures, `<figure style="margin:0;text-align:center"><img src="data:image/png;base64,%s" alt="%s" title="%s" style="width:%dpx"><figcaption>%s</figcaption></figure>`,
			data, html.EscapeString(name), html.EscapeString(name), pictureSide, caption)
	}
	for _, hit := range found.Nearest[:min(len(found.Nearest), mostPictures)] {
		add(filepath.Join(folder, hit.Path), hit.Path, fmt.Sprintf("%d. %s<br>s %.3f", hit.Rank, html.EscapeString(hit.Class), hit.Similarity))
	}
	if figures.Len() == 0 {
		return
	}
	hits := figures.String()
	figures.Reset()
	add(found.Query, found.Query, fmt.Sprintf("query<br>‖u‖ %.3f", found.Uncertainty))
	env.display(kernel.Output{Data: map[string]string{
		plainType: fmt.Sprintf("pictures of %s and the images found for it", found.Query),
		htmlType:  `<div style="display:flex;flex-wrap:wrap;gap:12px">` + figures.String() + hits + `</div>`,
	}})
}

// readPicture returns an image file as a small PNG, in base64.
func readPicture(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	image, err := datasets.Decode(f)
	if err != nil {
		return "", err
	}
	square := datasets.Compose{datasets.Resize{Size: pictureSide}, datasets.CenterCrop{Size: pictureSide}}
	var out bytes.Buffer
	if err := png.Encode(&out, square.Apply(image, nil).Image()); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}
