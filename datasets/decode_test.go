// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// referenceImages returns the folder of images with the results of torchvision's evaluation transform beside them.
func referenceImages() fs.FS {
	if dir := os.Getenv("IDML_REFERENCE_IMAGES"); dir != "" {
		return os.DirFS(dir)
	}
	return os.DirFS("testdata/images")
}

// jpegTolerance is by how many levels JPEG images may differ from Pillow's, and by how many their mean must differ less. Pillow decodes
// by libjpeg-turbo too; the standard library rounds the cosine transform otherwise.
func jpegTolerance() (largest int, mean float64) {
	if JPEGDecoder == LibjpegTurbo {
		return 1, 0.01
	}
	return 16, 1
}

func TestReferenceImages(t *testing.T) {
	fsys := referenceImages()
	expected, err := fs.Glob(fsys, "*.expected.png")
	if err != nil {
		t.Fatal(err)
	}
	if len(expected) == 0 {
		t.Fatal("no reference images")
	}
	evaluation := Compose{Resize{256}, CenterCrop{224}}
	worst, worstMean := map[string]int{}, map[string]float64{} // by kind
	for _, file := range expected {
		name := strings.TrimSuffix(file, ".expected.png")
		t.Run(name, func(t *testing.T) {
			kind, maxWant, meanWant := "PNG", 1, 1.0
			if isJPEG(t, fsys, name) {
				kind = "JPEG"
				maxWant, meanWant = jpegTolerance()
			}
			got := evaluation.Apply(readImage(t, fsys, name), nil)
			want := readImage(t, fsys, file)
			if got.Width != want.Width || got.Height != want.Height {
				t.Fatalf("%d × %d pixels: want %d × %d", got.Width, got.Height, want.Width, want.Height)
			}
			largest, mean := difference(got.Pix, want.Pix)
			worst[kind], worstMean[kind] = max(worst[kind], largest), max(worstMean[kind], mean)
			t.Logf("largest difference %d, mean %.4f", largest, mean)
			if largest > maxWant || mean >= meanWant {
				t.Errorf("largest difference %d, mean %g: want at most %d and below %g", largest, mean, maxWant, meanWant)
			}
		})
	}
	for kind := range worst {
		t.Logf("%s by %s: largest difference of all %d, largest mean %.4f", kind, JPEGDecoder, worst[kind], worstMean[kind])
	}
}

// difference returns the largest and the mean difference of bytes.
func difference(got, want []uint8) (largest int, mean float64) {
	sum := 0
	for i := range got {
		d := int(got[i]) - int(want[i])
		d = max(d, -d)
		largest, sum = max(largest, d), sum+d
	}
	return largest, float64(sum) / float64(len(got))
}

// isJPEG tells whether the file is a JPEG image.
func isJPEG(t *testing.T, fsys fs.FS, name string) bool {
	t.Helper()
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.HasPrefix(data, []byte(jpegMagic))
}

// readImage decodes a file of fsys.
func readImage(t *testing.T, fsys fs.FS, name string) *RGB {
	t.Helper()
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := decode(data, region{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return img
}

// Wanted numbers: Pillow's convert("RGB") (testdata/README.md).
func TestDecodeAgreesWithPillow(t *testing.T) {
	var cases []struct {
		Name, Mode    string
		File, Want    []byte
		Width, Height int
	}
	readGolden(t, "decode.json", &cases)
	if len(cases) < 50 {
		t.Fatalf("%d golden cases: want at least 50", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			got, err := Decode(bytes.NewReader(c.File))
			if err != nil {
				t.Fatal(err)
			}
			if got.Width != c.Width || got.Height != c.Height {
				t.Fatalf("%d × %d pixels: want %d × %d", got.Width, got.Height, c.Width, c.Height)
			}
			// PNG is exact. JPEG: the cosine transforms round differently, by a level; conversion from YCbCr can double it.
			tolerance := 0
			if strings.HasPrefix(c.Name, "JPEG") {
				largest, _ := jpegTolerance()
				tolerance = min(largest, 3)
			}
			if largest, mean := difference(got.Pix, c.Want); largest > tolerance {
				t.Fatalf("largest difference %d, mean %g: want at most %d", largest, mean, tolerance)
			}
		})
	}
}

func TestDecodeFaults(t *testing.T) {
	var whole bytes.Buffer
	if err := png.Encode(&whole, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(whole.Bytes())
	binary.BigEndian.PutUint32(huge[16:], 1<<20) // the header's width and height, and its checksum
	binary.BigEndian.PutUint32(huge[20:], 1<<20)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	jpegFile := tinyJPEG(t)
	damaged := bytes.Clone(jpegFile)
	copy(damaged[len(damaged)-60:], "\xff\xd9\xff\xd9") // the end of the image amid its data
	hugeJPEG := bytes.Clone(jpegFile)
	size := bytes.Index(hugeJPEG, []byte("\xff\xc0")) + 5 // after marker, length and depth
	copy(hugeJPEG[size:], "\xff\xff\xff\xff")
	// Messages of the JPEG decoder of the standard library, and of libjpeg-turbo.
	ends, data, hugeMessage := "EOF", "Huffman", "65535 × 65535 pixels"
	if JPEGDecoder == LibjpegTurbo {
		ends, data = "Premature end of JPEG file", "Premature end of JPEG file"
		hugeMessage = "65500 pixels"
	}
	for _, c := range []struct {
		name, data, want string
	}{
		{"nothing", "", ErrNotImage.Error()},
		{"text", "a long enough text", ErrNotImage.Error()},
		{"GIF", "GIF89a\x01\x00\x01\x00", ErrNotImage.Error()},
		{"cut PNG", whole.String()[:50], "EOF"},
		{"cut JPEG", jpegMagic, ends},
		{"JPEG without its last bytes", string(jpegFile[:len(jpegFile)-1]), ends},
		{"JPEG cut amid its data", string(jpegFile[:len(jpegFile)-40]), data},
		{"damaged JPEG", string(damaged), "JPEG"},
		{"huge PNG", string(huge), "1048576 × 1048576 pixels"},
		{"huge JPEG", string(hugeJPEG), hugeMessage},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(strings.NewReader(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want %q", err, c.want)
			}
			if errors.Is(err, ErrNotImage) != (c.want == ErrNotImage.Error()) {
				t.Errorf("error %v: is ErrNotImage or is not, wrongly", err)
			}
		})
	}
}

// A part of an image, and 16 bits: forms that no case of Pillow's covers.
func TestFromImage(t *testing.T) {
	deep := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	deep.SetNRGBA64(0, 0, color.NRGBA64{R: 0x12ff, G: 0x34ff, B: 0x5600, A: 0x0100})
	if diff := cmp.Diff([]uint8{0x12, 0x34, 0x56}, FromImage(deep).Pix); diff != "" {
		t.Errorf("16 bits with alpha (-want +got):\n%s", diff)
	}
	gray := image.NewGray16(image.Rect(0, 0, 1, 1))
	gray.SetGray16(0, 0, color.Gray16{Y: 0xabcd})
	if diff := cmp.Diff([]uint8{255, 255, 255}, FromImage(gray).Pix); diff != "" {
		t.Errorf("16 bits of gray (-want +got):\n%s", diff)
	}
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 15, 13), ratio)
		for i := range m.Y {
			m.Y[i] = uint8(i)
		}
		for i := range m.Cb {
			m.Cb[i], m.Cr[i] = 100, 160
		}
		part := FromImage(m.SubImage(image.Rect(3, 5, 9, 12)))
		r, g, b := jfifColor(m.Y[6*15+7], 100, 160)
		if diff := cmp.Diff([]uint8{r, g, b}, part.Pix[3*(6+4):3*(6+4)+3]); part.Width != 6 || part.Height != 7 || diff != "" {
			t.Errorf("%v: part of %d × %d pixels, one of them (-want +got):\n%s", ratio, part.Width, part.Height, diff)
		}
		whole := FromImage(m)
		if diff := cmp.Diff([]uint8{r, g, b}, whole.Pix[3*(6*15+7):3*(6*15+7)+3]); diff != "" {
			t.Errorf("%v: a pixel of the whole (-want +got):\n%s", ratio, diff)
		}
	}
}

// Image and FromImage undo each other.
func TestImageRoundTrip(t *testing.T) {
	want := NewRGB(5, 3)
	for i := range want.Pix {
		want.Pix[i] = uint8(i * 5)
	}
	if diff := cmp.Diff(want, FromImage(want.Image())); diff != "" {
		t.Error(diff)
	}
}

// Whatever the bytes, Decode returns a whole image or an error.
func FuzzDecode(f *testing.F) {
	var cases []struct {
		Name string
		File []byte
	}
	readGolden(f, "decode.json", &cases)
	for _, c := range cases {
		f.Add(c.File)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if width, height, err := decodeSize(bytes.NewReader(data)); err == nil && width*height > 1<<16 {
			t.Skip("large images only take time")
		}
		img, err := decode(data, region{})
		if err == nil && len(img.Pix) != 3*img.Width*img.Height {
			t.Errorf("%d bytes for %d × %d pixels", len(img.Pix), img.Width, img.Height)
		}
	})
}

// Decoding a photograph of 500 × 375 pixels, as CUB has them: with -tags turbojpeg by libjpeg-turbo.
func BenchmarkDecodeJPEG(b *testing.B) {
	file, err := os.ReadFile("testdata/images/landscape.jpg")
	if err != nil {
		b.Fatal(err)
	}
	img, err := decode(file, region{})
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, ResizeTo(img, 500, 375).Image(), &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		wanted region
	}{
		{"", region{}},
		{", half its area", region{box: func(int, int) image.Rectangle { return image.Rect(70, 50, 424, 315) }}},
	} {
		b.Run(JPEGDecoder+c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := decode(out.Bytes(), c.wanted); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
