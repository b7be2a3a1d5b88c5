// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"fmt"
	"image"
	"io/fs"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tests below hold a part of an image that is decoded alone against the same part of the whole image: not a bit may differ, nor
// the error, wherever the data is damaged.

// jpegWriter makes a JPEG file of random cosine coefficients, for any resolution of its components.
type jpegWriter struct {
	bytes.Buffer
	rng   *rand.Rand
	bits  uint32 // yet to be written, and how many
	count int
}

// jpegRuns returns what codes of 5 bits stand for: the end of a block, and runs of 0 to 3 zeros before a coefficient of 1 to 4 bits.
// The first coefficient of a block has other codes: 4 bits for how many bits follow, 0 to 7.
func jpegRuns() []byte {
	runs := []byte{0}
	for run := range byte(4) {
		for size := byte(1); size <= 4; size++ {
			runs = append(runs, run<<4|size)
		}
	}
	return runs
}

// randomJPEG returns a file of width × height pixels, whose components have the given resolutions, across and down, with markers after
// so many units, none if it is 0.
func randomJPEG(width, height int, factors [][2]int, restart int, rng *rand.Rand) []byte {
	w := &jpegWriter{rng: rng}
	word := func(n int) []byte { return []byte{byte(n >> 8), byte(n)} }
	segment := func(marker byte, body ...[]byte) {
		all := bytes.Join(body, nil)
		w.Write([]byte{0xff, marker})
		w.Write(word(len(all) + 2))
		w.Write(all)
	}
	w.WriteString("\xff\xd8")
	segment(0xdb, []byte{0}, bytes.Repeat([]byte{8}, 64)) // quantization
	frame, scan := []byte{byte(len(factors))}, []byte{byte(len(factors))}
	wide, high := 1, 1
	for i, f := range factors {
		frame = append(frame, byte(i+1), byte(f[0]<<4|f[1]), 0)
		scan = append(scan, byte(i+1), 0)
		wide, high = max(wide, f[0]), max(high, f[1])
	}
	segment(0xc0, []byte{8}, word(height), word(width), frame)
	codes := func(class byte, length int, symbols []byte) {
		lengths := make([]byte, 16)
		lengths[length-1] = byte(len(symbols))
		segment(0xc4, []byte{class << 4}, lengths, symbols)
	}
	codes(0, 4, []byte{0, 1, 2, 3, 4, 5, 6, 7})
	codes(1, 5, jpegRuns())
	if restart > 0 {
		segment(0xdd, word(restart))
	}
	segment(0xda, scan, []byte{0, 63, 0})
	if len(factors) == 1 { // a single component has one block a unit, whatever its factors
		wide, high, factors = 1, 1, [][2]int{{1, 1}}
	}
	units := (width + 8*wide - 1) / (8 * wide) * ((height + 8*high - 1) / (8 * high))
	w.scan(factors, units, restart)
	w.WriteString("\xff\xd9")
	return w.Bytes()
}

// scan writes the blocks of all components, interleaved.
func (w *jpegWriter) scan(factors [][2]int, units, restart int) {
	last := make([]int, len(factors))
	for unit := range units {
		if restart > 0 && unit > 0 && unit%restart == 0 {
			w.flush()
			w.Write([]byte{0xff, 0xd0 + byte(unit/restart-1)%8})
			clear(last)
		}
		for c, f := range factors {
			for range f[0] * f[1] {
				last[c] = w.block(last[c])
			}
		}
	}
	w.flush()
}

// block writes the coefficients of a block, and returns the first one, which follows last.
func (w *jpegWriter) block(last int) int {
	first := w.rng.IntN(121) - 60
	size := bits.Len(uint(max(first-last, last-first)))
	w.put(size, 4)
	w.value(first-last, size)
	runs := jpegRuns()
	for range w.rng.IntN(15) { // with up to 3 zeros before each, at most 56 of 63 coefficients
		code := 1 + w.rng.IntN(len(runs)-1)
		size := int(runs[code] & 15)
		w.put(code, 5)
		value := 1<<(size-1) + w.rng.IntN(1<<(size-1))
		if w.rng.IntN(2) == 0 {
			value = -value
		}
		w.value(value, size)
	}
	w.put(0, 5) // the end
	return first
}

// value writes a coefficient of so many bits.
func (w *jpegWriter) value(v, size int) {
	if v < 0 {
		v += 1<<size - 1
	}
	w.put(v, size)
}

// put writes bits, and a zero after each byte of ones.
func (w *jpegWriter) put(v, n int) {
	w.bits, w.count = w.bits<<n|uint32(v), w.count+n
	for w.count >= 8 {
		w.count -= 8
		b := byte(w.bits >> w.count)
		w.WriteByte(b)
		if b == 0xff {
			w.WriteByte(0)
		}
	}
}

// flush fills the last byte with ones.
func (w *jpegWriter) flush() {
	if w.count > 0 {
		w.put(1<<(8-w.count)-1, 8-w.count)
	}
}

// jpegSamplings are the components' resolutions by name.
var jpegSamplings = map[string][][2]int{
	"gray":            {{1, 1}},
	"gray of 2 × 2":   {{2, 2}},
	"4:4:4":           {{1, 1}, {1, 1}, {1, 1}},
	"4:2:2":           {{2, 1}, {1, 1}, {1, 1}},
	"4:2:0":           {{2, 2}, {1, 1}, {1, 1}},
	"4:4:0":           {{1, 2}, {1, 1}, {1, 1}},
	"4:1:1":           {{4, 1}, {1, 1}, {1, 1}},
	"4:1:0":           {{4, 2}, {1, 1}, {1, 1}},
	"chroma unlike":   {{2, 2}, {2, 1}, {1, 2}},
	"4:4:4 of 2 × 1":  {{2, 1}, {2, 1}, {2, 1}},
	"4 inks":          {{1, 1}, {1, 1}, {1, 1}, {1, 1}},
	"4 inks of 2 × 2": {{2, 2}, {1, 1}, {1, 1}, {2, 2}},
}

// jpegFiles returns files of all kinds by name: made ones, Pillow's and photographs.
func jpegFiles(t testing.TB) map[string][]byte {
	rng := newRand(11)
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(jpegSamplings)) {
		factors := jpegSamplings[name]
		for _, size := range [][2]int{{16 * 6, 16 * 5}, {97, 83}, {33, 130}, {150, 31}, {1, 70}, {5, 3}} {
			files[fmt.Sprintf("%s, %d × %d", name, size[0], size[1])] = randomJPEG(size[0], size[1], factors, 0, rng)
		}
		files[name+", restarts"] = randomJPEG(120, 90, factors, 3, rng)
	}
	var cases []struct {
		Name string
		File []byte
	}
	readGolden(t, "decode.json", &cases)
	for _, c := range cases {
		if strings.HasPrefix(c.Name, "JPEG") {
			files["Pillow's "+c.Name] = c.File
		}
	}
	photographs, err := fs.Glob(referenceImages(), "*.jpg")
	if err != nil || len(photographs) == 0 {
		t.Fatalf("%d photographs, error %v", len(photographs), err)
	}
	for _, name := range photographs {
		if files[name], err = fs.ReadFile(referenceImages(), name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// randomBox returns a part of an image of that size, as often at an edge as not.
func randomBox(width, height int, rng *rand.Rand) image.Rectangle {
	span := func(side int) (from, to int) {
		from, to = rng.IntN(side), rng.IntN(side)
		if from > to {
			from, to = to, from
		}
		if rng.IntN(4) == 0 {
			from = 0
		}
		if rng.IntN(4) == 0 {
			to = side - 1
		}
		return from, to + 1
	}
	left, right := span(width)
	top, bottom := span(height)
	return image.Rect(left, top, right, bottom)
}

// checkRegion decodes a random part alone, and holds it against whole and its error.
func checkRegion(t *testing.T, data []byte, whole *RGB, wholeErr error, rng *rand.Rand) {
	t.Helper()
	var box image.Rectangle
	used := room{pixels: bytes.Repeat([]byte{123}, rng.IntN(2)*20_000)}
	part, err := decode(data, region{room: &used, box: func(width, height int) image.Rectangle {
		box = randomBox(width, height, rng)
		return box
	}})
	if wholeErr != nil || err != nil {
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) {
			t.Fatalf("%v: error %v: want that of the whole, %v", box, err, wholeErr)
		}
		return
	}
	want := crop(whole, box.Min.X, box.Min.Y, box.Dx(), box.Dy())
	if part.Width != want.Width || part.Height != want.Height {
		t.Fatalf("%v: %d × %d pixels", box, part.Width, part.Height)
	}
	if !bytes.Equal(part.Pix, want.Pix) {
		largest, mean := difference(part.Pix, want.Pix)
		t.Fatalf("%v of %d × %d pixels: largest difference %d, mean %g", box, whole.Width, whole.Height, largest, mean)
	}
}

func TestDecodeRegion(t *testing.T) {
	for name, data := range jpegFiles(t) {
		t.Run(name, func(t *testing.T) {
			rng := newRand(12)
			whole, err := decode(data, region{})
			if err != nil && JPEGDecoder == LibjpegTurbo {
				t.Fatal(err) // the standard library knows fewer kinds
			}
			for range 40 {
				checkRegion(t, data, whole, err, rng)
			}
		})
	}
}

// Damage is found wherever it is: data that ends early, and bits that are not what they were.
func TestDecodeRegionOfDamagedFiles(t *testing.T) {
	found, unnoticed, left := 0, 0, 0
	for name, data := range jpegFiles(t) {
		if len(data) > 20_000 && testing.Short() {
			continue
		}
		left++
		t.Run(name, func(t *testing.T) {
			left--
			rng := newRand(13)
			for range 25 {
				damaged := bytes.Clone(data)
				if rng.IntN(3) == 0 {
					damaged = damaged[:4+rng.IntN(len(data)-4)]
				}
				for range rng.IntN(4) {
					damaged[3+rng.IntN(len(damaged)-3)] ^= 1 << rng.IntN(8)
				}
				if width, height, err := decodeSize(bytes.NewReader(damaged)); err == nil && width*height > 1<<19 {
					continue // takes long
				}
				whole, err := decode(damaged, region{})
				if err != nil {
					found++
				} else {
					unnoticed++
				}
				checkRegion(t, damaged, whole, err, rng)
			}
		})
	}
	t.Logf("%d faults found, %d not", found, unnoticed)
	if left == 0 && (found < 100 || unnoticed < 100) {
		t.Errorf("%d faults were found, %d were not: want enough of both to compare", found, unnoticed)
	}
}

// Whatever the bytes, a part is equal to that of the whole image, and so is the error.
func FuzzDecodeRegion(f *testing.F) {
	for _, data := range jpegFiles(f) {
		f.Add(data, uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		if width, height, err := decodeSize(bytes.NewReader(data)); err == nil && width*height > 1<<18 {
			t.Skip("large images only take time")
		}
		whole, err := decode(data, region{})
		checkRegion(t, data, whole, err, newRand(seed))
	})
}

// region{} is the whole, and what is wanted of an image in memory is cut out of it.
func TestRegionOf(t *testing.T) {
	img := coordinates(9, 7)
	if (region{}).of(img) != img {
		t.Error("the whole is another image")
	}
	box := image.Rect(2, 3, 8, 5)
	part := region{box: func(int, int) image.Rectangle { return box }}.of(img)
	if diff := cmp.Diff(crop(img, 2, 3, 6, 2), part); diff != "" {
		t.Error(diff)
	}
}
