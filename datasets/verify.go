// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// VerifyOptions tell what Verify does beside decoding.
type VerifyOptions struct {
	Workers  int                   // goroutines that decode, at least 1
	Manifest Manifest              // the sums that files must have; nil for none
	Hash     bool                  // compute the sums of all files, for Verification.Sums
	Progress func(done, total int) // told of each file, by one goroutine at a time; may be nil
}

// Verification is what Verify found. Paths are relative to the dataset's folder, lists are sorted.
type Verification struct {
	Dataset string `json:"dataset"` // the name that Verify was given
	Folder  string `json:"folder"`  // the dataset's, a path of the file system that Verify was given
	Train   Half   `json:"train"`
	Test    Half   `json:"test"`

	Missing    []string    `json:"missing"`    // files that the dataset's own lists or the manifest have, and class folders that the other half has, that are not there
	Empty      []string    `json:"empty"`      // class folders without images
	Extra      []string    `json:"extra"`      // files among the images that the dataset doesn't know
	Unreadable []FileFault `json:"unreadable"` // images that can't be decoded, and files that can't be read
	Changed    []string    `json:"changed"`    // files whose sum is not the manifest's
	Unlisted   []string    `json:"unlisted"`   // files of the dataset that the manifest doesn't have
	Gray       []string    `json:"gray"`       // images stored with one channel, which are sound: they are read as color

	Sums Manifest `json:"-"` // of the files that could be read and decoded, if asked for
}

// Half is what there is of a half of a dataset, and the published size, if there is one. A class counts if it has an image.
type Half struct {
	Count
	Published *Count `json:"published,omitempty"`
}

// FileFault is a file and what is wrong with it.
type FileFault struct {
	Path string `json:"path"`
	Err  string `json:"error"`
}

// Err returns an error that sums up what is wrong, or nil if the dataset is whole and sound.
func (v *Verification) Err() error {
	var faults []string
	if v.Train.Published != nil {
		faults = append(faults, v.Train.Published.differences(v.Train.Count, "to train")...)
	}
	if v.Test.Published != nil {
		faults = append(faults, v.Test.Published.differences(v.Test.Count, "to test")...)
	}
	for _, list := range []struct {
		n    int
		what string
	}{
		{len(v.Missing), "missing"},
		{len(v.Empty), "class folders without images"},
		{len(v.Extra), "extra"},
		{len(v.Unreadable), "unreadable"},
		{len(v.Changed), "changed"},
		{len(v.Unlisted), "not in the manifest"},
	} {
		if list.n > 0 {
			faults = append(faults, thousands(list.n)+" "+list.what)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(faults, "; "))
}

// Verify looks through a dataset, "cub", "cars", "sop", "cifar10", "cifar100", "imagenet", "fashion" (the full set) or "folder" (see
// [Folder]): it counts images and classes, decodes every image, and lists what is missing, extra, unreadable or gray. fsys is what the
// dataset's reader takes. With a manifest it also compares the sum of each file, the dataset's lists and annotations among them.
// CUB-200-2011 has a list of its images, images.txt, which its reader doesn't need; Verify heeds it where it is there. Of ImageNet-1K, a
// class folder that only one half has is missing in the other.
//
// What is wrong with the images is in the Verification; see its Err. An error of Verify itself says that it could not look: there is
// no such dataset, its lists are broken, or ctx was done, which ends it within an image.
func Verify(ctx context.Context, fsys fs.FS, name string, o VerifyOptions) (*Verification, error) {
	if o.Workers < 1 {
		return nil, fmt.Errorf("datasets: verifying with %d workers: want at least 1", o.Workers)
	}
	l, sizes, err := listToVerify(fsys, name)
	if err != nil {
		return nil, err
	}
	v := &Verification{
		Dataset: name, Folder: l.root, Sums: Manifest{},
		Train: Half{Count: l.train.count()}, Test: Half{Count: l.test.count()},
	}
	if sizes != nil {
		v.Train.Published, v.Test.Published = &sizes.Train, &sizes.Test
	}
	for _, m := range l.missing {
		v.Missing = append(v.Missing, l.relative(m.path))
	}
	v.Extra, v.Empty = l.allRelative(l.extra), l.allRelative(l.empty)
	sub, err := fs.Sub(fsys, l.root)
	if err != nil {
		return nil, readingError(l.title, err)
	}
	files := v.filesToCheck(sub, l, o)
	if err := v.check(ctx, sub, files, o); err != nil {
		return nil, fmt.Errorf("datasets: verifying %s: %w", l.title, err)
	}
	v.sort()
	if name == "folder" && v.Err() == nil { // it has rules of its own, as that a class to retrieve has two images
		if _, err := Folder(fsys, "to verify"); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// listToVerify lists a dataset with all that its own files tell, and returns its published sizes, nil if there are none.
func listToVerify(fsys fs.FS, name string) (*listing, *Published, error) {
	lists := map[string]func(fs.FS) (*listing, error){
		"cub": listWholeCUB, "cars": listCars, "sop": listSOP, "fashion": listFashion, "folder": listFolder,
		"cifar10": listCIFAR(cifar10()), "cifar100": listCIFAR(cifar100()), "imagenet": listWholeImageNet,
	}
	list, ok := lists[name]
	if !ok {
		return nil, nil, fmt.Errorf("datasets: no dataset to verify is called %q: want cub, cars, sop, cifar10, cifar100, imagenet, fashion or folder", name)
	}
	l, err := list(fsys)
	if err != nil {
		return nil, nil, err
	}
	if p, ok := PublishedByName(name); ok {
		return l, &p, nil
	}
	if name == "fashion" {
		half := Count{Images: fashionTrainClasses * fashionImagesPerClass, Classes: fashionTrainClasses}
		return l, &Published{Train: half, Test: half}, nil
	}
	return l, nil, nil
}

// relative returns a path in the dataset's folder.
func (l *listing) relative(name string) string {
	if l.root == "." {
		return name
	}
	return strings.TrimPrefix(name, l.root+"/")
}

func (l *listing) allRelative(names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, l.relative(name))
	}
	return out
}

// A check is a file to read, and to decode if it is an image.
type check struct {
	path  string
	image bool
}

// filesToCheck returns the dataset's images, and its other files and those of the manifest where these count. It adds to the
// verification what the manifest has and the folder hasn't, and the other way around.
func (v *Verification) filesToCheck(fsys fs.FS, l *listing, o VerifyOptions) []check {
	var files []check
	for _, h := range []half{l.train, l.test} {
		for _, image := range h.images {
			if !l.packed {
				files = append(files, check{l.relative(image.Name), true})
			}
		}
	}
	if o.Hash || o.Manifest != nil {
		for _, file := range l.allRelative(l.files) {
			files = append(files, check{file, false})
		}
	}
	if o.Manifest == nil {
		return files
	}
	known := map[string]bool{}
	for _, f := range files {
		known[f.path] = true
		if _, ok := o.Manifest[f.path]; !ok {
			v.Unlisted = append(v.Unlisted, f.path)
		}
	}
	for file := range o.Manifest {
		if known[file] {
			continue
		}
		if _, err := fs.Stat(fsys, file); errors.Is(err, fs.ErrNotExist) {
			v.Missing = append(v.Missing, file)
		} else {
			files = append(files, check{file, false})
		}
	}
	return files
}

// check reads all files on o.Workers goroutines and notes what it finds. It returns ctx's error if that is done before the files are.
func (v *Verification) check(ctx context.Context, fsys fs.FS, files []check, o VerifyOptions) error {
	var lock sync.Mutex
	next, done := 0, 0
	take := func() (check, bool) {
		lock.Lock()
		defer lock.Unlock()
		if next == len(files) || ctx.Err() != nil {
			return check{}, false
		}
		next++
		return files[next-1], true
	}
	var workers sync.WaitGroup
	for range min(o.Workers, len(files)) {
		workers.Go(func() {
			for f, ok := take(); ok; f, ok = take() {
				r := f.read(fsys, o)
				lock.Lock()
				v.note(f, r, o)
				done++
				if o.Progress != nil {
					o.Progress(done, len(files))
				}
				lock.Unlock()
			}
		})
	}
	workers.Wait()
	return ctx.Err()
}

// A finding is what reading a file told.
type finding struct {
	err  error
	gray bool
	sum  [sha256.Size]byte
	read bool // the sum is that of the file, even if it can't be decoded
}

// read reads the file, and decodes it if it is an image.
func (f check) read(fsys fs.FS, o VerifyOptions) finding {
	data, err := fs.ReadFile(fsys, f.path)
	if err != nil {
		return finding{err: withoutPath(err)}
	}
	r := finding{read: true}
	if o.Hash || o.Manifest != nil {
		r.sum = sha256.Sum256(data)
	}
	if f.image {
		_, r.err = decode(data, region{})
		r.gray = r.err == nil && isGray(data)
	}
	return r
}

// note adds a finding to the verification.
func (v *Verification) note(f check, r finding, o VerifyOptions) {
	if errors.Is(r.err, fs.ErrNotExist) { // a link that leads nowhere, or a file that went a moment ago
		v.Missing = append(v.Missing, f.path)
	} else if r.err != nil {
		v.Unreadable = append(v.Unreadable, FileFault{Path: f.path, Err: r.err.Error()})
	}
	if r.gray {
		v.Gray = append(v.Gray, f.path)
	}
	if want, ok := o.Manifest[f.path]; ok && r.read && r.sum != want {
		v.Changed = append(v.Changed, f.path)
	}
	if o.Hash && r.err == nil {
		v.Sums[f.path] = r.sum
	}
}

// isGray tells whether an image file stores one channel.
func isGray(data []byte) bool {
	read := png.DecodeConfig
	if bytes.HasPrefix(data, []byte(jpegMagic)) {
		read = jpeg.DecodeConfig
	}
	config, err := read(bytes.NewReader(data))
	return err == nil && (config.ColorModel == color.GrayModel || config.ColorModel == color.Gray16Model)
}

// sort brings the lists, which many goroutines and a map filled, in order; empty ones are not nil, so that JSON has them as [].
func (v *Verification) sort() {
	for _, list := range []*[]string{&v.Missing, &v.Empty, &v.Extra, &v.Changed, &v.Unlisted, &v.Gray} {
		slices.Sort(*list)
		*list = append([]string{}, slices.Compact(*list)...)
	}
	slices.SortFunc(v.Unreadable, func(a, b FileFault) int { return strings.Compare(a.Path, b.Path) })
	v.Unreadable = append([]FileFault{}, v.Unreadable...)
}
