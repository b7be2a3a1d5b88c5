// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLossList(t *testing.T) {
	_, rows := lossList()
	if len(rows) != 7 {
		t.Fatalf("%d rows, want seven losses", len(rows))
	}
	want := [][]string{
		{"triplet", "images with images", "margin 0.1", "plain, constant, paper", "FaceNet, arXiv:1503.03832"},
		{
			"proxy-anchor", "images with proxies", "scale 32, margin 0.1", "plain, constant, released, released-raw, paper",
			"Proxy Anchor Loss for Deep Metric Learning, arXiv:2003.13911",
		},
	}
	if diff := cmp.Diff(want, [][]string{rows[0], rows[6]}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPublishedLosses(t *testing.T) {
	heads, rows, err := publishedLosses([]string{"cub", "sop"})
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	want := [][]string{
		{"", "R@1 of CUB-200-2011", "R@1 of Stanford Online Products"},
		{"triplet", "0.636 → 0.653", "0.765 → 0.774"},
		{"proxy-anchor", "0.690 → 0.707", "0.795 → 0.815"},
	}
	if diff := cmp.Diff(want, [][]string{heads, rows[0], rows[6]}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range []string{"glyphs", "none"} {
		if _, _, err := publishedLosses([]string{name}); err == nil {
			t.Errorf("%s: nothing is published of it", name)
		}
	}
}
