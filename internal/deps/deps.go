package deps

import (
	_ "codeberg.org/go-fonts/dejavu/dejavusans"
	_ "codeberg.org/go-fonts/latin-modern/lmroman10regular"
	_ "codeberg.org/go-fonts/liberation/liberationsansregular"
	_ "github.com/gomlx/compute"
	_ "github.com/gomlx/go-xla/compute/xla"
	_ "github.com/gomlx/go-xla/installer"
	_ "github.com/gomlx/gomlx/core/graph"
	_ "github.com/gomlx/gomlx/ml/model"
	_ "github.com/gomlx/gomlx/ml/train"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/janpfeifer/gonb/gonbui"
	_ "golang.org/x/image/font/gofont/goregular"
	_ "golang.org/x/image/font/opentype"
	_ "gonum.org/v1/gonum/stat"
	_ "gonum.org/v1/plot/cmpimg"
	_ "gonum.org/v1/plot/plotter"
	_ "gonum.org/v1/plot/vg/vgimg"
	_ "gonum.org/v1/plot/vg/vgsvg"
)
