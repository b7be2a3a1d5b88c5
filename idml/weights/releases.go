// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// ImageNet is the name by which [Locate] finds the weights of [Releases].
const ImageNet = "imagenet"

// A Release is a file of weights that someone publishes.
type Release struct {
	// Architecture is torchvision's name of the network: "resnet50".
	Architecture string
	// URL is where the file is. Its last part is the file's name, in which torch.hub has the first digits of the SHA-256.
	URL string
}

// releases are torchvision's weights IMAGENET1K_V1. Code: those that the released training begins with.
var releases = []Release{
	{"resnet18", "https://download.pytorch.org/models/resnet18-f37072fd.pth"},
	{"resnet34", "https://download.pytorch.org/models/resnet34-b627a593.pth"},
	{"resnet50", "https://download.pytorch.org/models/resnet50-0676ba61.pth"},
	{"resnet101", "https://download.pytorch.org/models/resnet101-63fe2227.pth"},
}

// Releases lists the ImageNet weights that torchvision calls IMAGENET1K_V1, the smallest network first.
func Releases() []Release { return append([]Release(nil), releases...) }

// FindRelease returns the ImageNet weights of an architecture. The error lists the architectures that have some.
func FindRelease(architecture string) (Release, error) {
	var names []string
	for _, r := range releases {
		if r.Architecture == architecture {
			return r, nil
		}
		names = append(names, r.Architecture)
	}
	return Release{}, fmt.Errorf("weights: there are ImageNet weights of %s, not of %q", strings.Join(names, ", "), architecture)
}

// File is the file's name.
func (r Release) File() string { return path.Base(r.URL) }

// hashInName matches names as torch.hub has them, such as resnet50-0676ba61.pth.
var hashInName = regexp.MustCompile(`-([0-9a-f]{8,64})\.[^.]+$`)

// HashInName returns the first digits of the SHA-256 that a file's name tells: eight or more before its ending, after a dash. It is
// "" if there are none.
func HashInName(name string) string {
	match := hashInName.FindStringSubmatch(name)
	if match == nil {
		return ""
	}
	return match[1]
}

// Order asks for the file to be put into the cache.
func (r Release) Order() Order { return Order{Name: r.File(), SHA256: HashInName(r.File())} }

// Path returns the file's place in the cache, whether it is there or not.
func (r Release) Path() (string, error) {
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, r.File()), nil
}

// Cached tells whether the cache has the file. What is there under its name was whole, and had the right SHA-256, when it was put there.
func (r Release) Cached() (bool, error) {
	name, err := r.Path()
	if err != nil {
		return false, err
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("weights: %w", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("weights: %s is not a file", name)
	}
	return true, nil
}

// Locate returns the file of weights that spec stands for: of "imagenet" the cached release for the architecture, else spec itself,
// which is a path. Nothing is fetched: if the cache lacks the file, the error names the command that fetches it.
func Locate(spec, architecture string) (string, error) {
	if spec != ImageNet {
		return spec, nil
	}
	r, err := FindRelease(architecture)
	if err != nil {
		return "", err
	}
	name, err := r.Path()
	if err != nil {
		return "", err
	}
	switch cached, err := r.Cached(); {
	case err != nil:
		return "", err
	case !cached:
		return "", fmt.Errorf("weights: the ImageNet weights of %s are not in %s: run `idml weights %s`", r.Architecture, filepath.Dir(name), r.Architecture)
	}
	return name, nil
}
