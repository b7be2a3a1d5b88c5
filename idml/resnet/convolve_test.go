// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
)

// naiveConvolve is the convolution of x [batch, height, width, in] by its definition, and the gradients of Σ y·y/2 for x and the kernel.
func naiveConvolve(x, kernel []float64, batch, height, width, in, out, size, stride int) (y, dx, dk []float64, dims []int) {
	h, w := (height+2*(size/2)-size)/stride+1, (width+2*(size/2)-size)/stride+1
	y, dx, dk = make([]float64, batch*h*w*out), make([]float64, len(x)), make([]float64, len(kernel))
	visit := func(do func(yi, xi, ki int)) {
		for i := range batch * h * w * out * in * size * size {
			kx, ky, ic, oc := i%size, i/size%size, i/size/size%in, i/size/size/in%out
			at := i / size / size / in / out
			col, row, b := at%w, at/w%h, at/w/h
			sy, sx := row*stride+ky-size/2, col*stride+kx-size/2
			if sy >= 0 && sy < height && sx >= 0 && sx < width {
				do(at*out+oc, ((b*height+sy)*width+sx)*in+ic, ((oc*in+ic)*size+ky)*size+kx)
			}
		}
	}
	visit(func(yi, xi, ki int) { y[yi] += x[xi] * kernel[ki] })
	visit(func(yi, xi, ki int) {
		dx[xi] += y[yi] * kernel[ki]
		dk[ki] += y[yi] * x[xi]
	})
	return y, dx, dk, []int{batch, h, w, out}
}

func TestConvolveAgainstNaive(t *testing.T) {
	const batch, in, out = 2, 3, 4
	for _, side := range [][2]int{{7, 8}, {1, 2}} {
		x := random(1, batch*side[0]*side[1]*in, 0)
		args := []any{tensors.FromFlatDataAndDimensions(x, batch, side[0], side[1], in)}
		var kernels [][]float32
		sizes, strides := []int{1, 3, 7}, []int{1, 2}
		forms := []func(x, kernel *Node, stride int) *Node{convolve, convolution2D}
		for i, size := range sizes {
			kernels = append(kernels, random(uint64(2+i), out*in*size*size, 0))
			args = append(args, tensors.FromFlatDataAndDimensions(kernels[i], out, in, size, size))
		}
		// One program for all sizes, strides and forms: output and gradients of each.
		exec, err := NewExec(backendtest.Open(t), func(in []*Node) (results []*Node) {
			for i := range sizes {
				for _, stride := range strides {
					for _, form := range forms {
						y := form(in[0], in[1+i], stride)
						results = append(results, y)
						results = append(results, Gradient(DivScalar(ReduceAllSum(Square(y)), 2), in[0], in[1+i])...)
					}
				}
			}
			return results
		})
		if err != nil {
			t.Fatal(err)
		}
		results, err := exec.Call(args...)
		if err != nil {
			t.Fatal(err)
		}
		for i, size := range sizes {
			for j, stride := range strides {
				name := fmt.Sprintf("%d × %d, kernel %d, stride %d", side[0], side[1], size, stride)
				y, dx, dk, dims := naiveConvolve(wide(x), wide(kernels[i]), batch, side[0], side[1], in, out, size, stride)
				for f := range forms {
					got := results[3*((i*len(strides)+j)*len(forms)+f):]
					if diff := cmp.Diff(dims, got[0].Shape().Dimensions); diff != "" {
						t.Errorf("%s: shape (-want +got):\n%s", name, diff)
					}
					for k, want := range [][]float64{y, dx, dk} {
						what := fmt.Sprintf("%s, form %d: %s", name, f, []string{"output", "image gradient", "kernel gradient"}[k])
						near(t, what, tensors.MustCopyFlatData[float32](got[k]), want, 1e-4)
					}
				}
			}
		}
		exec.Finalize()
	}
}

// plugin is a backend that has nothing but a plugin's name.
type plugin struct {
	compute.Backend
	name string
}

func (p plugin) PluginName() string { return p.name }

func TestOnCUDA(t *testing.T) {
	for name, want := range map[string]bool{"cuda": true, "/opt/xla/pjrt_c_api_cuda_plugin.so": true, "/opt/nvidia/pjrt_plugin.so": true, "cpu": false} {
		if got := onCUDA(plugin{name: name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if onCUDA(backendtest.Open(t)) && !strings.Contains(os.Getenv(compute.ConfigEnvVar), "cuda") {
		t.Error("the CPU's plugin is taken for CUDA's")
	}
}
