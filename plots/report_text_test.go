// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"slices"
	"testing"

	"introspection/idml/runlog"
)

func TestEnvironmentOfManyDevices(t *testing.T) {
	for devices, want := range map[int]string{0: "H100", 1: "H100", 4: "H100; 4 shared each batch"} {
		lines := environment(&runlog.Environment{Backend: "xla:cuda", Device: "H100", Devices: devices, CPUs: 2})
		if got := lines[1]; got.Key != "device" || got.Value != want {
			t.Errorf("%d devices: %+v, want %q", devices, got, want)
		}
	}
}

func TestEnvironmentNamesTheDecoder(t *testing.T) {
	want := setting{"JPEG by", "libjpeg-turbo"}
	if lines := environment(&runlog.Environment{JPEG: want.Value}); !slices.Contains(lines, want) {
		t.Errorf("%+v, want %+v among them", lines, want)
	}
}
