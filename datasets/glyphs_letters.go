// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"unicode"
)

// The letters of the glyphs, one class each, of six alphabets. Letters that look alike are left out, since no one could tell
// their classes apart: O and o once size is unknown, Latin C and Cyrillic С, Armenian Լ and Latin L. Ours: the rule is made
// by drawing. A letter's shape is its outline, scaled so that the longer side of its bounding box is 24 of 32 pixels, centered
// by that box, and softened by a Gaussian of one pixel. Two letters are homoglyphs if in any upright, non-bold font that holds
// both the cosine of their shapes is 0.932 or more. Of the candidates in alphabetical order each is kept that is no homoglyph
// of one kept before; the kept letters go to training and test by turns, so that the halves share alphabets but no class.
// The tests apply the rule and compare.
const (
	trainLetters = "ACEHJLNPRUWYadgmqtÆßðΔΣΨβζλξςτДЗЦЩЫЮбЂҐԳԵԷԹԻԾՀՃՅՇՊՌՐՔաէթխձմշպվֆგეთკჟტფყჩჭჰבדזילנףץקש"
	testLetters  = "BDGIKMOQSVXZbeknryæþΓΞΦαεημρσωЖЛЧЪЬЯфЉԲԴԶԸԺԽԿՁՄՆՉՋՎՒՖդըլկճնչջքადზილრუქშცჯאגהטךמעפצרת"
)

// alphabetOf returns the name of the letter's alphabet.
func alphabetOf(letter rune) string {
	tables := map[string]*unicode.RangeTable{
		"Latin": unicode.Latin, "Greek": unicode.Greek, "Cyrillic": unicode.Cyrillic,
		"Armenian": unicode.Armenian, "Georgian": unicode.Georgian, "Hebrew": unicode.Hebrew,
	}
	for name, table := range tables {
		if unicode.Is(table, letter) {
			return name
		}
	}
	panic(fmt.Sprintf("datasets: letter %q is of no alphabet of the glyphs", letter))
}

// className returns the name of the letter's class, such as "Cyrillic Ж".
func className(letter rune) string {
	return alphabetOf(letter) + " " + string(letter)
}
