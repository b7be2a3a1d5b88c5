// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"introspection/idml"
)

// A Grid describes the runs of a sweep: every combination of the values that its lists name. An empty list leaves the setting as it begins.
type Grid struct {
	// Recipes are the settings that runs begin with, by name. Without one, they begin with Base.
	Recipes []string
	Base    *idml.Config
	// Data is the folder of the photographs, for the recipes that need one: glyphs and fashion, which are embedded, leave it.
	Data string
	// Losses are names of losses, each with its default settings.
	Losses []string
	// Settings are KEY=VALUE for every run, as idml.Config.Set takes them. They come after recipe and loss, and before what follows.
	Settings []string
	// Forms are forms of the metric, Mixups whether images are mixed.
	Forms  []idml.Form
	Mixups []bool
	// Ablation takes, instead of Forms and Mixups, the four steps from the loss alone to the introspective metric: see [AblationArms].
	Ablation bool
	// Axes are further settings that vary.
	Axes []GridAxis
	// Seeds are the seeds of each setting.
	Seeds []uint64
}

// A GridAxis is a setting by its path in config.json ("optimizer.lr") and the values that it takes.
type GridAxis struct {
	Key    string
	Values []string
}

// A PlannedRun is a run of a sweep. Name is its folder below the sweep's, with slashes.
type PlannedRun struct {
	Name   string
	Config idml.Config
}

// A LeftOut is a combination of a grid that can't be, such as a form of the metric that the loss doesn't have.
type LeftOut struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// A gridPoint is a value of an axis: what it is called in a run's name and what it changes.
type gridPoint struct {
	label string
	apply func(*idml.Config) error
}

// seedsFlag is the flag of the axis of seeds.
const seedsFlag = "seeds"

// A gridAxis is the values of one thing that a grid sets. One that is always the same doesn't stand in names.
type gridAxis struct {
	flag   string // how a person calls it
	points []gridPoint
}

// Plan lists the grid's runs, the first seed of every setting before the second, and the combinations that can't be. A value that can't be in any
// combination, nor with the recipe and the plain metric alone, is an error: it is a slip. So are two combinations with the same settings, and a grid without runs.
func (g Grid) Plan() (*Plan, error) {
	axes, err := g.axes()
	if err != nil {
		return nil, err
	}
	p := new(Plan)
	used := make([][]bool, len(axes)) // by axis and point: it is in a run
	for i := range axes {
		used[i] = make([]bool, len(axes[i].points))
	}
	seen := map[string]string{}
	for _, choice := range choices(axes) {
		name := choiceName(axes, choice)
		cfg, err := combine(axes, choice)
		if err == nil {
			err = cfg.Validate()
		}
		if err != nil {
			p.LeftOut = append(p.LeftOut, LeftOut{name, reasonText(err)})
			continue
		}
		text := configText(cfg)
		if other, ok := seen[text]; ok {
			return nil, fmt.Errorf("sweep: %s and %s have the same settings", other, name)
		}
		seen[text] = name
		for i, k := range choice {
			used[i][k] = true
		}
		p.Runs = append(p.Runs, PlannedRun{name, cfg})
	}
	if err := checkUsed(axes, used); err != nil {
		return nil, err
	}
	if len(p.Runs) == 0 {
		return nil, fmt.Errorf("sweep: there is no run: %s", p.LeftOut[0].Reason)
	}
	return p, nil
}

// axes returns the grid's axes in the order in which they are applied and stand in names.
func (g Grid) axes() ([]gridAxis, error) {
	if g.Ablation && (len(g.Forms) > 0 || len(g.Mixups) > 0) {
		return nil, errors.New("sweep: an ablation chooses the forms of the metric and mixup itself")
	}
	begin, err := g.beginnings()
	if err != nil {
		return nil, err
	}
	axes := []gridAxis{begin}
	axes = append(axes, axisOf("loss", g.Losses, func(name string) gridPoint {
		return gridPoint{name, func(c *idml.Config) error { return c.UseLoss(name) }}
	}))
	axes = append(axes, gridAxis{"set", []gridPoint{{"", func(c *idml.Config) error { return setAll(c, g.Settings) }}}})
	axes = append(axes, axisOf("metric", g.Forms, func(f idml.Form) gridPoint {
		return gridPoint{string(f), func(c *idml.Config) error { c.Metric.Form = f; return nil }}
	}))
	axes = append(axes, axisOf("mixup", g.Mixups, func(mix bool) gridPoint {
		return gridPoint{map[bool]string{true: "mixup", false: "no-mixup"}[mix], func(c *idml.Config) error {
			c.Mixing.Method, c.Mixing.Probability = map[bool]string{true: idml.Mixup, false: idml.NoMixing}[mix], 1
			return nil
		}}
	}))
	if g.Ablation {
		axes = append(axes, ablationAxis())
	}
	for _, a := range g.Axes {
		axes = append(axes, axisOf("grid "+a.Key, a.Values, func(value string) gridPoint {
			return gridPoint{a.Key + "=" + value, func(c *idml.Config) error { return c.Set(a.Key, value) }}
		}))
	}
	axes = append(axes, axisOf(seedsFlag, g.Seeds, func(seed uint64) gridPoint {
		return gridPoint{"seed-" + strconv.FormatUint(seed, 10), func(c *idml.Config) error { c.Seed = seed; return nil }}
	}))
	axes = slices.DeleteFunc(axes, func(a gridAxis) bool { return len(a.points) == 0 })
	for i := range axes {
		axes[i].label()
	}
	return axes, nil
}

// beginnings returns the axis of what runs begin with.
func (g Grid) beginnings() (gridAxis, error) {
	if (g.Base == nil) == (len(g.Recipes) == 0) {
		return gridAxis{}, errors.New("sweep: name recipes or give a configuration to begin with, not both")
	}
	if g.Base != nil {
		return gridAxis{"config", []gridPoint{{"", func(c *idml.Config) error { *c = *g.Base; g.setData(c); return nil }}}}, nil
	}
	for _, name := range g.Recipes {
		if _, err := idml.Recipe(name); err != nil {
			return gridAxis{}, err
		}
	}
	return axisOf("recipe", g.Recipes, func(name string) gridPoint {
		return gridPoint{name, func(c *idml.Config) (err error) {
			if *c, err = idml.Recipe(name); err == nil {
				g.setData(c)
			}
			return err
		}}
	}), nil
}

func (g Grid) setData(c *idml.Config) {
	if g.Data != "" && c.Data.Name != "glyphs" && c.Data.Name != "fashion" {
		c.Data.Folder = g.Data
	}
}

func setAll(c *idml.Config, settings []string) error {
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if err := c.Set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func axisOf[T any](flag string, values []T, point func(T) gridPoint) gridAxis {
	a := gridAxis{flag: flag}
	for _, v := range values {
		a.points = append(a.points, point(v))
	}
	return a
}

// choices lists the combinations of points, as a point's number by axis, in the order of counting, but the seeds change most slowly.
func choices(axes []gridAxis) [][]int {
	all := [][]int{make([]int, len(axes))}
	for _, i := range slowestFirst(axes) {
		var next [][]int
		for _, c := range all {
			for k := range axes[i].points {
				c := slices.Clone(c)
				c[i] = k
				next = append(next, c)
			}
		}
		all = next
	}
	return all
}

// slowestFirst lists the numbers of the axes, that of the seeds first.
func slowestFirst(axes []gridAxis) []int {
	var order []int
	for i, a := range axes {
		if a.flag == seedsFlag {
			order = slices.Insert(order, 0, i)
			continue
		}
		order = append(order, i)
	}
	return order
}

// combine returns the configuration of a combination. As Train does, it makes the path of the images absolute.
func combine(axes []gridAxis, choice []int) (cfg idml.Config, err error) {
	for i, k := range choice {
		if err := axes[i].points[k].apply(&cfg); err != nil {
			return cfg, err
		}
	}
	if cfg.Data.Folder != "" {
		cfg.Data.Folder, err = filepath.Abs(cfg.Data.Folder)
	}
	return cfg, err
}

// choiceName joins the labels of the points that a combination has of axes with several; "run" where nothing varies.
func choiceName(axes []gridAxis, choice []int) string {
	var parts []string
	for i, k := range choice {
		if len(axes[i].points) > 1 {
			parts = append(parts, axes[i].points[k].label)
		}
	}
	if len(parts) == 0 {
		return "run"
	}
	return strings.Join(parts, "/")
}

// checkUsed returns an error for a point that is in no run although nothing but itself speaks against it.
func checkUsed(axes []gridAxis, used [][]bool) error {
	for i := range axes {
		for k, ok := range used[i] {
			if ok {
				continue
			}
			cfg, err := combine(axes[:1], []int{0})
			cfg.Metric.Form = idml.Plain // which every loss has
			if err == nil && i > 0 {
				err = axes[i].points[k].apply(&cfg)
			}
			if err == nil {
				err = cfg.Validate()
			}
			if err != nil {
				return fmt.Errorf("sweep: --%s %s: %w", axes[i].flag, axes[i].points[k].label, err)
			}
		}
	}
	return nil
}

// reservedNames are folders of a sweep that hold no run.
var reservedNames = []string{logFolder, failureFolder}

// label makes the labels of an axis fit to be folders' names, different from each other even where case doesn't count.
func (a *gridAxis) label() {
	taken := slices.Clone(reservedNames)
	for i := range a.points {
		base := folderName(a.points[i].label)
		name := base
		for n := 2; slices.Contains(taken, strings.ToLower(name)); n++ {
			name = base + "-" + strconv.Itoa(n)
		}
		taken = append(taken, strings.ToLower(name))
		a.points[i].label = name
	}
}

// longestFolderName bounds the length of a label.
const longestFolderName = 80

// folderName replaces what some file system or shell takes amiss.
func folderName(label string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("-_=+.", r):
			return r
		}
		return '-'
	}, label)
	name = strings.Trim(name[:min(len(name), longestFolderName)], "-.")
	if name == "" {
		return "none"
	}
	return name
}

// reasonText is an error on one line, without where it arose.
func reasonText(err error) string {
	return strings.ReplaceAll(strings.TrimPrefix(err.Error(), "config: "), "\n", "; ")
}
