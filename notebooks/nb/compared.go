// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"introspection/experiment"
	"introspection/plots"
)

// A Compared is a table that "idml compare --csv" wrote: what many runs came to, each setting over its seeds.
type Compared struct{ rows []comparedRow }

// A comparedRow is a row of the file: a number, its spread, and the intervals that it has.
type comparedRow struct {
	kind, setting, reference, metric    string
	seeds                               int
	mean, deviation                     float64
	overSeeds, overQueries, overClasses experiment.Interval
	queries, classes                    int
}

// The kinds of rows that are shown here.
const (
	comparedBaseline   = "baseline"
	comparedSetting    = "setting"
	comparedDifference = "difference"
)

// ReadCompared reads a table from the project's folder docs. The error wraps fs.ErrNotExist if it isn't there.
func ReadCompared(name string) (*Compared, error) {
	f, err := openDocument(name)
	if err != nil {
		return nil, fmt.Errorf("nb: docs/%s: %w", name, err)
	}
	defer f.Close()
	c, err := readCompared(f)
	if err != nil {
		return nil, fmt.Errorf("nb: docs/%s: %w", name, err)
	}
	return c, nil
}

// openDocument opens a file of the folder docs beside that of the notebooks, or, for a notebook that runs elsewhere, of the sources that its cells are
// compiled from.
func openDocument(name string) (*os.File, error) {
	f, err := os.Open(filepath.Join("..", "docs", name))
	if _, source, _, ok := runtime.Caller(0); ok && errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(filepath.Join(filepath.Dir(source), "..", "..", "docs", name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist // without the path, which is of this machine
	}
	return f, err
}

// readCompared reads a table. Columns go by their names.
func readCompared(r io.Reader) (*Compared, error) {
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 {
		return nil, errors.New("a table without rows")
	}
	c := &Compared{}
	for i, record := range records[1:] {
		p := comparedParser{heads: records[0], record: record}
		c.rows = append(c.rows, comparedRow{
			kind: p.text("kind"), setting: p.text("setting"), reference: p.text("reference"), metric: p.text("metric"),
			seeds: p.whole("seeds"), mean: p.number("mean"), deviation: p.number("deviation"),
			overSeeds: p.interval("seeds"), overQueries: p.interval("queries"), overClasses: p.interval("classes"),
			queries: p.whole("queries"), classes: p.whole("classes"),
		})
		if p.err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, p.err)
		}
	}
	return c, nil
}

// comparedParser takes the cells of a record and keeps the first error.
type comparedParser struct {
	heads, record []string
	err           error
}

func (p *comparedParser) text(head string) string {
	i := slices.Index(p.heads, head)
	if i < 0 {
		p.err = errors.Join(p.err, fmt.Errorf("there is no column %q", head))
		return ""
	}
	return p.record[i]
}

// number returns a number, NaN of an empty cell.
func (p *comparedParser) number(head string) float64 {
	text := p.text(head)
	if text == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.err = errors.Join(p.err, fmt.Errorf("column %q: %w", head, err))
	}
	return v
}

// whole returns a whole number, 0 of an empty cell.
func (p *comparedParser) whole(head string) int {
	v := p.number(head)
	if math.IsNaN(v) {
		return 0
	}
	return int(v)
}

func (p *comparedParser) interval(head string) experiment.Interval {
	return experiment.Interval{Low: p.number(head + "_low"), High: p.number(head + "_high")}
}

// of lists the rows of some kinds with a metric.
func (c *Compared) of(metric string, kinds ...string) (rows []comparedRow) {
	for _, r := range c.rows {
		if r.metric == metric && slices.Contains(kinds, r.kind) {
			rows = append(rows, r)
		}
	}
	return rows
}

// find returns the row of a setting that is named so, or so with a comma and more behind it.
func (c *Compared) find(setting, metric string) (comparedRow, bool) {
	for _, r := range c.of(metric, comparedSetting) {
		if name, _, _ := strings.Cut(r.setting, ","); name == setting {
			return r, true
		}
	}
	return comparedRow{}, false
}

// shortNames returns the settings' names for a figure: without what stands behind a comma, such as the learning rate that was chosen, if they differ without it.
func shortNames(rows []comparedRow) (names []string) {
	seen := map[string]bool{}
	for _, r := range rows {
		name, _, _ := strings.Cut(r.setting, ",")
		names, seen[name] = append(names, name), true
	}
	if len(seen) < len(rows) {
		for i, r := range rows {
			names[i] = r.setting
		}
	}
	return names
}

// Spans returns the mean of a metric of each baseline and setting with its 95 % interval over seeds, for a figure.
func (c *Compared) Spans(metric string) (spans []Span) {
	rows := c.of(metric, comparedBaseline, comparedSetting)
	names := shortNames(rows)
	for i, r := range rows {
		spans = append(spans, Span{Name: names[i], Mean: r.mean, Interval: r.overSeeds, Baseline: r.kind == comparedBaseline})
	}
	return spans
}

// Differences returns a figure of the differences in a metric: of each pair that the table has, the setting minus its reference, which titles can't tell and
// the text must.
func (c *Compared) Differences(metric string) (*plots.Differences, error) {
	var contrasts []plots.Contrast
	rows := c.of(metric, comparedDifference)
	names := shortNames(rows)
	for i, r := range rows {
		contrasts = append(contrasts, plots.Contrast{
			Name: names[i], Mean: r.mean,
			Thick: [2]float64{r.overQueries.Low, r.overQueries.High}, Thin: [2]float64{r.overClasses.Low, r.overClasses.High},
		})
	}
	figure, err := plots.NewDifferences("difference in "+plots.MetricTitle(metric), contrasts)
	if err != nil {
		return nil, err
	}
	figure.ThickLabel, figure.ThinLabel = "95 % over test images", "95 % over classes"
	return figure, nil
}
