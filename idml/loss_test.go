// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"strings"
	"testing"
)

func TestNewLoss(t *testing.T) {
	l, err := NewLoss(LossConfig{Name: "proxy-anchor", Scale: 16, Margin: -0.2})
	if want := (ProxyAnchor{Scale: 16, Margin: -0.2}); err != nil || l != Loss(want) || !l.HasProxies() {
		t.Errorf("NewLoss gives %+v, %v; want %+v", l, err, want)
	}
	for _, name := range []string{"", "ProxyAnchor", "triplet"} {
		if _, err := NewLoss(LossConfig{Name: name, Scale: 1}); err == nil || !strings.Contains(err.Error(), "want proxy-anchor") || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("loss %q: %v, want an error with that name and those that there are", name, err)
		}
	}
}
