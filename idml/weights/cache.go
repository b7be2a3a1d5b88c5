// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"

	"introspection/internal/fetch"
)

// CacheEnv is the environment variable that names another folder for the program's caches than idml in os.UserCacheDir.
const CacheEnv = "IDML_CACHE"

// CacheDir returns the folder in which fetched weights are kept: weights in IDML_CACHE if that is set, else idml/weights in the
// user's folder of caches (~/.cache on Linux).
func CacheDir() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Join(dir, "weights"), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("weights: no folder for the cache: %w: set %s", err, CacheEnv)
	}
	return filepath.Join(dir, "idml", "weights"), nil
}

// An Order asks for a file to be put into the cache, where it is replaced if it is there.
type Order struct {
	// Name is what the file is to be called.
	Name string
	// SHA256 is the file's hash in hexadecimal, or the first digits of it; any file will do if it is empty.
	SHA256 string
	// Check, if not nil, is called with a whole file that has the hash before it gets its name. Its error ends the order.
	Check func(path string) error
	// Progress, if not nil, is called as bytes arrive. total is negative if it isn't known.
	Progress func(done, total int64)
}

// Fetch downloads the file and returns its path. What an interrupted download has left is continued if the hash is known. An error
// leaves the cache as it was, but for such a beginning, in a file that ends in ".part".
func (o Order) Fetch(ctx context.Context, client *http.Client, address string) (string, error) {
	target, err := o.place()
	if err != nil {
		return "", err
	}
	d := fetch.Download{URL: address, Pin: o.pin(), Client: client, Stall: fetch.StallTimeout, Progress: o.Progress, Check: o.Check}
	if err := d.Run(ctx, target); err != nil {
		again := ""
		if info, statErr := os.Stat(target + fetch.PartSuffix); statErr == nil {
			again = fmt.Sprintf(" (the next try goes on after %d bytes)", info.Size())
		}
		return "", fmt.Errorf("weights: fetching %s: %w%s", o.Name, err, again)
	}
	return target, nil
}

// Take copies a local file and returns the path of the copy.
func (o Order) Take(ctx context.Context, file string) (string, error) {
	target, err := o.place()
	if err != nil {
		return "", err
	}
	if err := o.copy(ctx, file, target); err != nil {
		return "", fmt.Errorf("weights: taking %s: %w", file, err)
	}
	return target, nil
}

// copy copies a file to target, by way of another one beside it.
func (o Order) copy(ctx context.Context, file, target string) (err error) {
	src, err := os.Open(file)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a file")
	}
	dst, err := os.CreateTemp(filepath.Dir(target), ".taking-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = dst.Close() // a second Close only repeats the first fault
			_ = os.Remove(dst.Name())
		}
	}()
	progress := func(done int64) {
		if o.Progress != nil {
			o.Progress(done, info.Size())
		}
	}
	if err := o.pin().Copy(dst, fetch.NewReader(ctx, src, progress)); err != nil {
		return err
	}
	if o.Check != nil {
		if err := o.Check(dst.Name()); err != nil {
			return err
		}
	}
	if err := errors.Join(dst.Chmod(0o644), dst.Sync(), dst.Close()); err != nil {
		return err
	}
	return os.Rename(dst.Name(), target)
}

func (o Order) pin() fetch.Pin {
	return fetch.Pin{Name: o.Name, SHA256: o.SHA256, Size: fetch.Unknown}
}

// place makes the cache's folder and returns the file's path in it.
func (o Order) place() (string, error) {
	if o.Name == "" || o.Name != filepath.Base(o.Name) || o.Name == "." || o.Name == ".." || o.Name == string(filepath.Separator) {
		return "", fmt.Errorf("weights: %q is no name of a file", o.Name)
	}
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("weights: making the cache: %w", err)
	}
	return filepath.Join(dir, o.Name), nil
}

// NameInURL returns the name of the file that an address leads to: the last part of its path.
func NameInURL(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	name := path.Base(u.Path)
	if u.Scheme != "http" && u.Scheme != "https" || name == "." || name == "/" {
		return "", fmt.Errorf("weights: %q is no http(s) address of a file", address)
	}
	return name, nil
}
