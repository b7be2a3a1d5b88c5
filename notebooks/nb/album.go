// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"
	"image"
	"os"
	"path/filepath"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/plots"
)

// thumbnailSide is the side of a photograph's picture in a figure, in pixels: as many as a tile of a sheet has dots.
const thumbnailSide = 128

// Thumbnail returns the middle of an image as a small square, cropped as for evaluation.
func Thumbnail(img *datasets.RGB) image.Image {
	t := datasets.Compose{datasets.Resize{Size: thumbnailSide}, datasets.CenterCrop{Size: thumbnailSide}}
	return t.Apply(img, nil).Image()
}

// An Album is a sheet of datasets, a row each: pairs of images of one class, the classes evenly from the first to the last.
type Album struct {
	Sheet
	pairs int
}

// NewAlbum returns a sheet without rows, for rows of so many pairs. It panics if pairs isn't positive.
func NewAlbum(pairs int) *Album {
	if pairs < 1 {
		panic(fmt.Sprintf("nb: an album of %d pairs a row", pairs))
	}
	return &Album{Sheet{columns: 2 * pairs}, pairs}
}

// Add adds a row of images of the dataset under a name: the first two of each class, of those classes that have two.
func (a *Album) Add(name string, d *datasets.Dataset) error {
	first := make([][]int, len(d.Classes))
	for i, e := range d.Examples {
		if len(first[e.Label]) < 2 {
			first[e.Label] = append(first[e.Label], i)
		}
	}
	var classes []int
	for class, images := range first {
		if len(images) == 2 {
			classes = append(classes, class)
		}
	}
	row := sheetRow{name: name}
	for _, class := range spaced(classes, a.pairs) {
		for _, i := range first[class] {
			img, err := d.Image(i)
			if err != nil {
				return err
			}
			row.images, row.notes = append(row.images, Thumbnail(img)), append(row.notes, "")
		}
	}
	if row.images == nil {
		return fmt.Errorf("nb: %s has no class of two images", d.Name)
	}
	a.rows = append(a.rows, row)
	return nil
}

// FoundQuery returns a row of a retrieval grid: a query of the index and what was found for it, without the query itself, hits images at
// most. Folder is what the index's paths lie in. It is an error if the query is not among what was found, as happens if more than hits
// images are equal to it.
func FoundQuery(folder string, f *experiment.Found, hits int) (plots.Query, error) {
	q := plots.Query{Uncertainty: f.Uncertainty}
	class, self := "", false
	for _, h := range f.Nearest {
		if filepath.Join(folder, h.Path) == filepath.Clean(f.Query) {
			class, self = h.Class, true
		}
	}
	if !self {
		return q, fmt.Errorf("nb: %s did not find itself", f.Query)
	}
	var err error
	if q.Image, err = readThumbnail(f.Query); err != nil {
		return q, err
	}
	for _, h := range f.Nearest {
		path := filepath.Join(folder, h.Path)
		if path == filepath.Clean(f.Query) || len(q.Hits) == hits {
			continue
		}
		img, err := readThumbnail(path)
		if err != nil {
			return q, err
		}
		q.Hits = append(q.Hits, plots.Hit{Image: img, Correct: h.Class == class, Alpha: h.Alpha, Beta: h.Beta, Similarity: h.Similarity})
	}
	return q, nil
}

func readThumbnail(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("nb: %w", err)
	}
	defer f.Close()
	img, err := datasets.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("nb: %s: %w", path, err)
	}
	return Thumbnail(img), nil
}
