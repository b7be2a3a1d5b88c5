// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// homoglyphSimilarity is the similarity from which two letters count as one shape (see trainLetters).
const homoglyphSimilarity = 0.932

// candidateLetters are the letters that the glyphs were chosen from, in this order: of the alphabets that at least five of
// the fonts hold, the letters without marks, less those that every font draws like an earlier one (А, Ο, ԛ, …).
const candidateLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzÆæœßþðØ" +
	"ΓΔΘΛΞΠΣΦΨΩαβγδεζηθλμξπρςστφχψω" +
	"БГДЖЗИЛПУФЦЧШЩЪЫЬЭЮЯабвгджзиклмнптфцчшщъыьэюяЄЂЋЉЊҐ" +
	"ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ" +
	"აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ" +
	"אבגדהוזחטיךכלםמןנסעףפץצקרשת"

// shapeOf returns the outline as the homoglyph rule sees it: drawn upright at one size about the center, softened by a
// Gaussian of a pixel, as a vector of length 1.
func shapeOf(o outline) []float64 {
	const size = 32
	mask := gaussianBlur(o.draw(size, affine{xx: 24, yy: 24, dx: 16, dy: 16}), size, 1)
	norm := 0.0
	for _, v := range mask {
		norm += v * v
	}
	for i := range mask {
		mask[i] /= math.Sqrt(norm)
	}
	return mask
}

// similarity returns the largest cosine of the shapes of two letters in a font that holds both.
func similarity(a, b map[string][]float64) float64 {
	best := 0.0
	for font, x := range a {
		y, ok := b[font]
		if !ok {
			continue
		}
		dot := 0.0
		for i := range x {
			dot += x[i] * y[i]
		}
		best = max(best, dot)
	}
	return best
}

// chooseLetters walks through the candidates and keeps each that is no homoglyph of one kept before it.
func chooseLetters(t *testing.T, candidates []rune) []rune {
	t.Helper()
	outlines, err := loadOutlines(fontFiles(), candidates)
	if err != nil {
		t.Fatal(err)
	}
	var kept []rune
	var shapes []map[string][]float64
next:
	for i, letter := range candidates {
		if len(outlines[i]) < 5 {
			t.Errorf("%c is in %d fonts: want at least 5", letter, len(outlines[i]))
		}
		own := map[string][]float64{}
		for _, o := range outlines[i] {
			if !strings.Contains(o.font, "Bold") {
				own[o.font] = shapeOf(o)
			}
		}
		for _, other := range shapes {
			if similarity(own, other) >= homoglyphSimilarity {
				continue next
			}
		}
		kept, shapes = append(kept, letter), append(shapes, own)
	}
	return kept
}

func TestLettersFollowTheRule(t *testing.T) {
	var train, test []rune
	for i, letter := range chooseLetters(t, []rune(candidateLetters)) {
		if i%2 == 0 {
			train = append(train, letter)
		} else {
			test = append(test, letter)
		}
	}
	if diff := cmp.Diff(string(train), trainLetters); diff != "" {
		t.Errorf("letters to train (-rule +table):\n%s", diff)
	}
	if diff := cmp.Diff(string(test), testLetters); diff != "" {
		t.Errorf("letters to retrieve (-rule +table):\n%s", diff)
	}
	if len(train) < 84 || len(test) < 84 {
		t.Errorf("%d letters to train and %d to retrieve: want at least 84 of each", len(train), len(test))
	}
}

func TestHomoglyphsAreFound(t *testing.T) {
	for _, pair := range []string{"Oo", "Cc", "Il", "Lւ", "Ψψ", "nח", "Жж"} {
		if kept := chooseLetters(t, []rune(pair)); len(kept) != 1 {
			t.Errorf("%s: kept as two classes", pair)
		}
	}
	for _, pair := range []string{"Aa", "bd", "ΣE", "ЖX", "אN"} {
		if kept := chooseLetters(t, []rune(pair)); len(kept) != 2 {
			t.Errorf("%s: taken for one shape", pair)
		}
	}
}
