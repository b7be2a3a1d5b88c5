// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// mustVerify verifies a dataset, with 2 workers.
func mustVerify(t *testing.T, fsys fs.FS, name string, o VerifyOptions) *Verification {
	t.Helper()
	o.Workers = 2
	v, err := Verify(t.Context(), fsys, name, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// withoutCounts returns what sums up the faults but for numbers that differ from the published ones, as those of samples do.
func withoutCounts(v *Verification) string {
	train, test := v.Train.Published, v.Test.Published
	v.Train.Published, v.Test.Published = nil, nil
	defer func() { v.Train.Published, v.Test.Published = train, test }()
	if err := v.Err(); err != nil {
		return err.Error()
	}
	return ""
}

func TestVerify(t *testing.T) {
	for name, gray := range map[string]string{
		"cub":  "images/001.Drawn_Bird_1/Drawn_Bird_1_0002_700101.jpg",
		"cars": "car_ims/000002.jpg",
		"sop":  "bicycle_final/110000000001_1.JPG",
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			v := mustVerify(t, os.DirFS(sampleDir(t, name)), name, VerifyOptions{Progress: func(done, total int) {
				if calls++; done != calls || total != 15 {
					t.Errorf("call %d: %d of %d files", calls, done, total)
				}
			}})
			p, _ := PublishedByName(name)
			want := &Verification{
				Dataset: name, Folder: p.Folders[0], Train: Half{Count{9, 3}, &p.Train}, Test: Half{Count{6, 2}, &p.Test},
				Missing: []string{}, Empty: []string{}, Extra: []string{}, Unreadable: []FileFault{}, Changed: []string{}, Unlisted: []string{},
				Gray: []string{gray}, Sums: Manifest{},
			}
			if diff := cmp.Diff(want, v); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if withoutCounts(v) != "" || calls != 15 {
				t.Errorf("%s; %d calls", withoutCounts(v), calls)
			}
			if err := v.Err(); err == nil || !strings.Contains(err.Error(), "9 images to train, published are "+thousands(p.Train.Images)) {
				t.Errorf("of a part: %v", err)
			}
		})
	}
}

// A truncated image, a missing, an extra and an empty one, and one that is no image: each is listed where it belongs, and counted.
func TestVerifyFaults(t *testing.T) {
	truncate := func(fsys fstest.MapFS, name string) { fsys[name].Data = fsys[name].Data[:len(fsys[name].Data)/2] }
	for _, c := range []struct {
		name, dataset string
		change        func(fsys fstest.MapFS)
		want          string // the summary
		list          func(v *Verification) []string
		path          string
	}{
		{"truncated", "cub", func(fsys fstest.MapFS) {
			truncate(fsys, "CUB_200_2011/images/101.Drawn_Bird_101/Drawn_Bird_101_0002_710101.jpg")
		}, "1 unreadable", unreadable, "images/101.Drawn_Bird_101/Drawn_Bird_101_0002_710101.jpg"},
		{"no image", "cars", func(fsys fstest.MapFS) {
			fsys["cars196/car_ims/000007.jpg"].Data = []byte("<html>")
		}, "1 unreadable", unreadable, "car_ims/000007.jpg"},
		{"missing in CUB's list", "cub", func(fsys fstest.MapFS) {
			delete(fsys, "CUB_200_2011/images/003.Drawn_Bird_3/Drawn_Bird_3_0001_700300.jpg")
		}, "1 missing", func(v *Verification) []string { return v.Missing }, "images/003.Drawn_Bird_3/Drawn_Bird_3_0001_700300.jpg"},
		{"missing in Cars196", "cars", func(fsys fstest.MapFS) {
			delete(fsys, "cars196/car_ims/000007.jpg")
		}, "1 missing", func(v *Verification) []string { return v.Missing }, "car_ims/000007.jpg"},
		{"missing in SOP", "sop", func(fsys fstest.MapFS) {
			delete(fsys, "Stanford_Online_Products/fan_final/110000011320_0.JPG")
		}, "1 missing", func(v *Verification) []string { return v.Missing }, "fan_final/110000011320_0.JPG"},
		{"extra in CUB", "cub", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/001.Drawn_Bird_1/new.jpg"] = fsys["CUB_200_2011/images/001.Drawn_Bird_1/Drawn_Bird_1_0001_700100.jpg"]
		}, "1 extra", func(v *Verification) []string { return v.Extra }, "images/001.Drawn_Bird_1/new.jpg"},
		{"no image in CUB", "cub", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/001.Drawn_Bird_1/Thumbs.db"] = &fstest.MapFile{}
		}, "1 extra", func(v *Verification) []string { return v.Extra }, "images/001.Drawn_Bird_1/Thumbs.db"},
		{"extra in Cars196", "cars", func(fsys fstest.MapFS) {
			fsys["cars196/car_ims/999999.jpg"] = &fstest.MapFile{}
		}, "1 extra", func(v *Verification) []string { return v.Extra }, "car_ims/999999.jpg"},
		{"extra in SOP", "sop", func(fsys fstest.MapFS) {
			fsys["Stanford_Online_Products/fan_final/1.JPG"] = &fstest.MapFile{}
		}, "1 extra", func(v *Verification) []string { return v.Extra }, "fan_final/1.JPG"},
		{"an empty class", "cub", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/050.Drawn_Bird_50"] = &fstest.MapFile{Mode: fs.ModeDir}
		}, "1 class folders without images", func(v *Verification) []string { return v.Empty }, "images/050.Drawn_Bird_50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := sample(t, c.dataset)
			c.change(fsys)
			v := mustVerify(t, fsys, c.dataset, VerifyOptions{})
			if got := withoutCounts(v); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if diff := cmp.Diff([]string{c.path}, c.list(v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// unreadable returns the paths of the files that can't be read for a reason.
func unreadable(v *Verification) (out []string) {
	for _, f := range v.Unreadable {
		if f.Err != "" {
			out = append(out, f.Path)
		}
	}
	return out
}

// The sums that Verify computes hold; a change of the content that still decodes, files that came and files that went are found.
func TestVerifyManifest(t *testing.T) {
	fsys := sample(t, "sop")
	sums := mustVerify(t, fsys, "sop", VerifyOptions{Hash: true}).Sums
	if len(sums) != 17 { // 15 images and 2 lists
		t.Errorf("%d sums", len(sums))
	}
	image := "fan_final/110000011320_0.JPG"
	if got, want := sums[image], sha256.Sum256(fsys["Stanford_Online_Products/"+image].Data); got != want {
		t.Errorf("sum of %s: %x, want %x", image, got, want)
	}
	fsys["Stanford_Online_Products/README"] = &fstest.MapFile{Data: []byte("read me")}
	sums["README"] = sha256.Sum256([]byte("read me"))
	if v := mustVerify(t, fsys, "sop", VerifyOptions{Manifest: sums}); withoutCounts(v) != "" || len(v.Sums) != 0 {
		t.Errorf("unchanged: %s", withoutCounts(v))
	}
	other := fsys["Stanford_Online_Products/fan_final/110000011320_1.JPG"]
	fsys["Stanford_Online_Products/"+image].Data = other.Data
	fsys["Stanford_Online_Products/README"].Data = []byte("read me again")
	fsys["Stanford_Online_Products/Ebay_test.txt"].Data = append(fsys["Stanford_Online_Products/Ebay_test.txt"].Data, '\n')
	sums["lost.txt"] = sums[image]
	delete(sums, "fan_final/110000011320_2.JPG")
	v := mustVerify(t, fsys, "sop", VerifyOptions{Manifest: sums})
	for _, list := range []struct{ got, want []string }{
		{v.Changed, []string{"Ebay_test.txt", "README", image}},
		{v.Missing, []string{"lost.txt"}},
		{v.Unlisted, []string{"fan_final/110000011320_2.JPG"}},
	} {
		if diff := cmp.Diff(list.want, list.got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if got, want := withoutCounts(v), "1 missing; 3 changed; 1 not in the manifest"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// An image that can't be decoded has no sum: a manifest is of what is in order.
func TestVerifySumsOfSound(t *testing.T) {
	fsys := sample(t, "cars")
	fsys["cars196/car_ims/000007.jpg"].Data = []byte("<html>")
	sums := mustVerify(t, fsys, "cars", VerifyOptions{Hash: true}).Sums
	if _, ok := sums["car_ims/000007.jpg"]; ok || len(sums) != 15 { // 14 images and the annotations
		t.Errorf("%d sums, with the broken one: %v", len(sums), ok)
	}
}

// On disk: a link that leads nowhere counts as missing; one to another image counts as that.
func TestVerifyLinks(t *testing.T) {
	dir := sampleDir(t, "cars")
	images := filepath.Join(dir, "cars196", "car_ims")
	for link, target := range map[string]string{"000003.jpg": "nowhere.jpg", "000004.jpg": "000001.jpg"} {
		name := filepath.Join(images, link)
		if err := errors.Join(os.Remove(name), os.Symlink(target, name)); err != nil {
			t.Fatal(err)
		}
	}
	v := mustVerify(t, os.DirFS(dir), "cars", VerifyOptions{})
	if diff := cmp.Diff([]string{"car_ims/000003.jpg"}, v.Missing); diff != "" || withoutCounts(v) != "1 missing" {
		t.Errorf("%s (-want +got):\n%s", withoutCounts(v), diff)
	}
	split, err := Cars(os.DirFS(dir)) // doesn't follow links
	if err != nil {
		t.Fatal(err)
	}
	if _, err := split.Train.Image(2); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "cars196/car_ims/000003.jpg") {
		t.Errorf("error %v", err)
	}
	mustImage(t, split.Train, 3)
}

func TestVerifyFolder(t *testing.T) {
	v := mustVerify(t, animals(t), "folder", VerifyOptions{})
	if v.Train.Count != (Count{6, 3}) || v.Test.Count != (Count{4, 2}) || v.Err() != nil || v.Train.Published != nil {
		t.Errorf("%+v", v)
	}
	fsys := animals(t)
	fsys["bee/1.png"].Data = fsys["bee/1.png"].Data[:40]
	fsys["cat/2.JPEG"].Data = nil
	fsys["cat/kittens/1.png"] = fsys["cat/1.png"]
	v = mustVerify(t, fsys, "folder", VerifyOptions{})
	if got, want := withoutCounts(v), "1 extra; 2 unreadable"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(v.Gray) != 8 {
		t.Errorf("gray: %q", v.Gray)
	}
	fsys = animals(t)
	delete(fsys, "eel/1.png")
	if _, err := Verify(t.Context(), fsys, "folder", VerifyOptions{Workers: 1}); err == nil || !strings.Contains(err.Error(), "eel has one image") {
		t.Errorf("one image to retrieve: error %v", err)
	}
}

func TestVerifyFashion(t *testing.T) {
	v := mustVerify(t, embeddedFashion(), "fashion", VerifyOptions{Hash: true})
	if v.Train.Count != (Count{3000, 5}) || *v.Train.Published != (Count{35000, 5}) || len(v.Sums) != 4 {
		t.Errorf("%+v", v)
	}
	if err := v.Err(); err == nil || !strings.Contains(err.Error(), "3,000 images to test, published are 35,000") {
		t.Errorf("of the embedded part: %v", err)
	}
	if _, err := Verify(t.Context(), fstest.MapFS{}, "fashion", VerifyOptions{Workers: 1}); err == nil || !strings.Contains(err.Error(), "train-images-idx3-ubyte") {
		t.Errorf("without files: error %v", err)
	}
}

func TestVerifyCIFAR(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		fsys         fstest.MapFS
		count        Count
		files        int
	}{
		{"cifar10", "cifar-10-batches-bin", binaryCIFAR10(), Count{10, 10}, 7},
		{"cifar10", "cifar-10-batches-py", pickledCIFAR(t), Count{10, 10}, 7},
		{"cifar100", "cifar-100-python", pickledCIFAR(t), Count{3, 100}, 3},
	} {
		v := mustVerify(t, c.fsys, c.name, VerifyOptions{Hash: true})
		if v.Folder != c.folder || v.Train.Count != c.count || v.Train.Published.Images != 50000 || v.Test.Published.Images != 10000 || len(v.Sums) != c.files {
			t.Errorf("%s: %+v", c.folder, v)
		}
		if err := v.Err(); withoutCounts(v) != "" || err == nil || !strings.Contains(err.Error(), "2 images to test, published are 10,000") {
			t.Errorf("%s: %v", c.folder, err)
		}
		name := slices.Min(slices.Collect(maps.Keys(v.Sums))) // the classes' names, but of CIFAR-100 in the Python version
		c.fsys[c.folder+"/extra"] = &fstest.MapFile{}
		c.fsys[c.folder+"/"+name].Data = append(bytes.Clone(c.fsys[c.folder+"/"+name].Data), '\n')
		if v := mustVerify(t, c.fsys, c.name, VerifyOptions{Manifest: v.Sums}); withoutCounts(v) != "1 changed" || v.Changed[0] != name {
			t.Errorf("%s, of which %s was changed: %s", c.folder, name, withoutCounts(v))
		}
	}
	fsys := binaryCIFAR10()
	fsys["cifar-10-batches-bin/test_batch.bin"].Data = fsys["cifar-10-batches-bin/test_batch.bin"].Data[:99]
	if _, err := Verify(t.Context(), fsys, "cifar10", VerifyOptions{Workers: 1}); err == nil || !strings.Contains(err.Error(), "test_batch.bin: record 0, at byte 0, is cut off") {
		t.Errorf("cut off: error %v", err)
	}
}

// ImageNet's images are decoded, and a class folder that only one half has is missing in the other.
func TestVerifyImageNet(t *testing.T) {
	fsys := classificationSample(t, "imagenet")
	v := mustVerify(t, fsys, "imagenet", VerifyOptions{})
	if v.Folder != "imagenet-1k" || v.Train.Count != (Count{12, 3}) || v.Test.Published.Images != 50000 || withoutCounts(v) != "" || len(v.Gray) != 1 {
		t.Errorf("%+v", v)
	}
	for name := range fsys {
		if strings.Contains(name, "val/n90000018/") || strings.Contains(name, "train/n90000035/") {
			delete(fsys, name)
		}
	}
	fsys["imagenet-1k/train/n90000035/notes.txt"] = &fstest.MapFile{}
	fsys["imagenet-1k/val/stray.JPEG"] = &fstest.MapFile{}
	name := "imagenet-1k/train/n90000001/n90000001_6.JPEG"
	fsys[name].Data = fsys[name].Data[:300]
	v = mustVerify(t, fsys, "imagenet", VerifyOptions{})
	for _, list := range []struct{ got, want []string }{
		{v.Missing, []string{"val/n90000018"}},
		{v.Empty, []string{"train/n90000035"}},
		{v.Extra, []string{"train/n90000035/notes.txt", "val/stray.JPEG"}},
		{unreadable(v), []string{"train/n90000001/n90000001_6.JPEG"}},
	} {
		if diff := cmp.Diff(list.want, list.got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if got, want := withoutCounts(v), "1 missing; 1 class folders without images; 2 extra; 1 unreadable"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What can't be looked through is an error.
func TestVerifyErrors(t *testing.T) {
	for _, c := range []struct {
		dataset string
		workers int
		change  func(fsys fstest.MapFS)
		want    string
	}{
		{"imagenet-22k", 1, func(fstest.MapFS) {}, `"imagenet-22k": want cub, cars, sop, cifar10, cifar100, imagenet, fashion or folder`},
		{"imagenet", 1, func(fstest.MapFS) {}, "there is no folder imagenet-1k"},
		{"cifar100", 1, func(fstest.MapFS) {}, "there is no folder cifar-100-binary or cifar-100-python"},
		{"cub", 0, func(fstest.MapFS) {}, "0 workers"},
		{"cars", 1, func(fstest.MapFS) {}, "there is no folder cars196"},
		{"folder", 1, func(fstest.MapFS) {}, "at least 2"},
		{"cub", 1, func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images.txt"].Data = []byte("1 001.Drawn_Bird_1/a.jpg\n2 ../../b.jpg\n")
		}, "CUB_200_2011/images.txt:2: path"},
	} {
		fsys := sample(t, "cub")
		c.change(fsys)
		if v, err := Verify(t.Context(), fsys, c.dataset, VerifyOptions{Workers: c.workers}); err == nil || v != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: want %q", c.dataset, err, c.want)
		}
	}
}

// When the context is done, no more files are begun.
func TestVerifyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	most := 0
	v, err := Verify(ctx, sample(t, "cub"), "cub", VerifyOptions{Workers: 2, Progress: func(done, _ int) {
		most = done
		if done == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || v != nil || most > 4 {
		t.Errorf("%d files, error %v", most, err)
	}
}

func TestVerificationJSON(t *testing.T) {
	v := mustVerify(t, sample(t, "cars"), "cars", VerifyOptions{Hash: true})
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"dataset":"cars","folder":"cars196",` +
		`"train":{"images":9,"classes":3,"published":{"images":8054,"classes":98}},"test":{"images":6,"classes":2,"published":{"images":8131,"classes":98}},` +
		`"missing":[],"empty":[],"extra":[],"unreadable":[],"changed":[],"unlisted":[],"gray":["car_ims/000002.jpg"]}`
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func BenchmarkVerify(b *testing.B) {
	fsys := sample(b, "cub")
	var size int
	for _, file := range fsys {
		size += len(file.Data)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		if _, err := Verify(b.Context(), fsys, "cub", VerifyOptions{Workers: 2, Hash: true}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestIsGray(t *testing.T) {
	if !isGray(picture(t, 4, 4, 9, true).Data) || !isGray(picture(t, 4, 4, 9, false).Data) || isGray(bytes.Repeat([]byte{0}, 50)) {
		t.Error("gray images are not known, or something else is")
	}
	data, err := os.ReadFile("testdata/images/landscape.jpg")
	if err != nil || isGray(data) {
		t.Errorf("a photograph in color is gray, error %v", err)
	}
}
