// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"introspection/idml"
	"introspection/idml/weights"
)

func weightsCommand() command {
	return command{
		name:    "weights",
		summary: "fetch ImageNet weights to start from, or take a file of them",
		usage:   "NAME...\n       idml weights [NAME] --from FILE\n       idml weights [NAME] --url URL\n       idml weights --list",
		help: `
Weights puts files of published weights into a cache and prints their paths. NAME is resnet18,
resnet34, resnet50 or resnet101: torchvision's IMAGENET1K_V1, which the recipes cub, cars and sop
begin with (model.weights "imagenet"). A download that was interrupted is continued. A file's
SHA-256 must begin with the digits that its name tells, and its arrays be those of the network.

With --from or --url the file comes from elsewhere: the one of NAME, or without a NAME any of a
network above in torchvision's names, which can be .pth or .safetensors. Such a file is used by
--set model.weights=PATH. The cache is idml/weights in the user's folder of caches, or weights in
the folder that IDML_CACHE names.

Examples:
  $ idml weights resnet50                   from pytorch.org, 98 MiB
  $ idml weights resnet50 --from resnet50-0676ba61.pth
                                            from a file brought from a machine with a network
  $ idml weights --list                     what there is, and what the cache holds`,
		run: runWeights,
	}
}

func runWeights(ctx context.Context, env *environment, args []string) error {
	set := env.flags("weights")
	from := set.String("from", "", "take a local `file`")
	address := set.String("url", "", "fetch the file from this `url`")
	list := set.Bool("list", false, "list the weights and where they are")
	if err := env.parse(set, args, len(weights.Releases())); err != nil {
		return err
	}
	other := *from != "" || *address != ""
	switch {
	case *list && (other || set.NArg() > 0):
		return usageError{"weights: --list stands alone"}
	case *list:
		return env.listWeights()
	case *from != "" && *address != "":
		return usageError{"weights: name either --from or --url"}
	case other && set.NArg() > 1:
		return usageError{"weights: one file is of one NAME"}
	case !other && set.NArg() == 0:
		return usageError{"weights: name what to fetch: see \"idml help weights\""}
	}
	orders, err := newOrders(set.Args(), *from, *address)
	if err != nil {
		return err
	}
	for _, o := range orders {
		path, err := env.get(ctx, o, *from)
		if err != nil {
			return err
		}
		fmt.Fprintln(env.stdout, path)
	}
	return nil
}

// A weightsOrder is a file to be put into the cache, and the network it must be of.
type weightsOrder struct {
	weights.Order
	architecture string // "" for any
	url          string // where it is fetched
	cached       bool   // whether that it is in the cache will do
}

// newOrders returns the orders for what the arguments name.
func newOrders(names []string, from, address string) ([]weightsOrder, error) {
	if len(names) == 0 {
		name := filepath.Base(from)
		if from == "" {
			var err error
			if name, err = weights.NameInURL(address); err != nil {
				return nil, err
			}
		}
		return []weightsOrder{{Order: weights.Order{Name: name, SHA256: weights.HashInName(name)}, url: address}}, nil
	}
	var orders []weightsOrder
	for _, name := range names {
		r, err := weights.FindRelease(name)
		if err != nil {
			return nil, err
		}
		o := weightsOrder{Order: r.Order(), architecture: name, url: r.URL, cached: from == "" && address == ""}
		if address != "" {
			o.url = address
		}
		orders = append(orders, o)
	}
	return orders, nil
}

// get puts a file into the cache, the local one of from or else a download, and returns its path there.
func (env *environment) get(ctx context.Context, o weightsOrder, from string) (string, error) {
	if o.cached {
		if path, err := weights.Locate(weights.ImageNet, o.architecture); err == nil {
			return path, nil
		}
	}
	line := env.progress()
	defer line.clear()
	begun := false
	o.Progress = func(done, total int64) {
		if !begun && from == "" {
			env.note("downloading %s%s", o.Name, sizeText(total))
		}
		begun = true
		if total > 0 {
			line.update(progressText(done, total))
		} else {
			line.update(fmt.Sprintf("%d MiB", done>>20))
		}
	}
	o.Check = func(path string) error { return checkArchitecture(path, o.architecture) }
	if from != "" {
		return o.Take(ctx, from)
	}
	return o.Fetch(ctx, http.DefaultClient, o.url)
}

// sizeText returns ", 98 MiB", or nothing for an unknown size.
func sizeText(total int64) string {
	if total < 0 {
		return ""
	}
	return fmt.Sprintf(", %d MiB", (total+1<<19)>>20)
}

// checkArchitecture reports a file that can't be read, or is not of the wanted network: of any that has a name if want is "".
func checkArchitecture(path, want string) error {
	f, err := weights.Open(path)
	if err != nil {
		// the file that is named has no place of its own yet
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		return err
	}
	switch got := idml.Architecture(f); {
	case got == "" && want != "":
		return fmt.Errorf("its arrays are not those of %s", want)
	case got == "":
		return errors.New("its arrays are not those of a network that has a name: use it in its place, by --set model.weights=PATH")
	case want != "" && got != want:
		return fmt.Errorf("it has the weights of %s, not of %s", got, want)
	}
	return nil
}

// listWeights prints the releases and what the cache holds.
func (env *environment) listWeights() error {
	for _, r := range weights.Releases() {
		path, err := r.Path()
		if err != nil {
			return err
		}
		cached, err := r.Cached()
		if err != nil {
			return err
		}
		state := "not in the cache; " + r.URL
		if cached {
			state = path
		}
		fmt.Fprintf(env.stdout, "%-9s  %s\n", r.Architecture, state)
	}
	dir, err := weights.CacheDir()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !isRelease(e.Name()) {
			fmt.Fprintf(env.stdout, "other      %s\n", filepath.Join(dir, e.Name()))
		}
	}
	return nil
}

// isRelease tells whether a file's name is that of a release.
func isRelease(name string) bool {
	for _, r := range weights.Releases() {
		if r.File() == name {
			return true
		}
	}
	return false
}
