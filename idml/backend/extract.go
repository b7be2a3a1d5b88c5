// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"introspection/internal/fetch"
)

// extract writes the files of a wheel that its rules name, and its licenses and metadata, into dir. The wheel's bytes were
// verified; a rule that matches nothing is an error all the same.
func (w wheel) extract(ctx context.Context, f *os.File, dir string) error {
	archive, err := zip.NewReader(f, w.size)
	if err != nil {
		return err
	}
	matched := make(map[rule]bool)
	for _, member := range archive.File {
		place, by := w.place(member.Name)
		if place == "" {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(place)) {
			return fmt.Errorf("the member %q leads out of the folder", member.Name)
		}
		if err := extractMember(ctx, member, filepath.Join(dir, filepath.FromSlash(place))); err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
		matched[by] = true
	}
	for _, r := range w.rules {
		if !matched[r] {
			return fmt.Errorf("it holds no %s", r.from)
		}
	}
	return nil
}

// place returns where a member of the wheel goes, with slashes, and by which rule; "" if it isn't needed.
func (w wheel) place(member string) (string, rule) {
	if strings.HasSuffix(member, "/") {
		return "", rule{}
	}
	for _, r := range w.rules {
		if member == r.from {
			return r.to, r
		}
		if rest, ok := strings.CutPrefix(member, r.from); ok && strings.HasSuffix(r.from, "/") {
			return r.to + rest, r
		}
	}
	info, rest, _ := strings.Cut(member, "/")
	if strings.HasSuffix(info, ".dist-info") && (rest == "METADATA" || strings.HasPrefix(strings.ToLower(rest), "license")) {
		// beside the plugin: in its folder
		return path.Join(path.Dir(w.rules[0].to), "licenses", w.pkg+"-"+w.version, strings.TrimPrefix(rest, "licenses/")), rule{}
	}
	return "", rule{}
}

// extractMember writes one member of a wheel.
func extractMember(ctx context.Context, member *zip.File, name string) error {
	r, err := member.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	mode := fs.FileMode(0o644)
	if member.Mode()&0o100 != 0 {
		mode = 0o755
	}
	return writeFile(name, fetch.NewReader(ctx, r, nil), mode)
}

// writeFile creates a file with the bytes of r, and its folder, and waits until it is on the disk.
func writeFile(name string, r io.Reader, mode fs.FileMode) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// publish moves the files under ready to the same places under dir, replacing what is there, one by one and last (after its
// licenses) the one that last names.
func publish(ready, dir, last string) error {
	last = filepath.FromSlash(last)
	move := func(name string) error {
		target := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(ready, name), target); err != nil {
			return err
		}
		return syncDir(filepath.Dir(target))
	}
	err := filepath.WalkDir(ready, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(ready, p)
		if err != nil || name == last {
			return err
		}
		return move(name)
	})
	if err != nil {
		return err
	}
	return move(last)
}

// syncDir waits until a folder's names are on the disk, on systems that can.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
