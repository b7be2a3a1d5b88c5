// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Order says in which order an epoch visits the images. Indices returns indices of labels, the label of each image; all chance
// comes from rng. An Order that also has a method Check() error is asked by Loader.Check.
type Order interface {
	Indices(rng *rand.Rand, labels []int) []int
}

// Sequential visits each image once, in the dataset's order.
type Sequential struct{}

// Indices returns 0, 1, 2, …; rng is not used.
func (Sequential) Indices(_ *rand.Rand, labels []int) []int {
	indices := make([]int, len(labels))
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// Shuffled visits each image once, in random order, each order equally likely.
type Shuffled struct{}

// Indices returns a random permutation.
func (Shuffled) Indices(rng *rand.Rand, labels []int) []int { return rng.Perm(len(labels)) }

// ClassBalanced orders examples so that each batch of Classes·PerClass has PerClass images of each of Classes classes. An
// epoch has ⌊n/(Classes·PerClass)⌋ batches. Classes come up by turns in random order, and so do the images of each class: none
// comes again before the others have been, and a batch holds an image twice only if its class has fewer than PerClass.
type ClassBalanced struct{ Classes, PerClass int }

// Check returns an error unless there is at least one class and one image of each.
func (c ClassBalanced) Check() error {
	if c.Classes < 1 || c.PerClass < 1 {
		return fmt.Errorf("datasets: ClassBalanced: %d classes of %d images: want at least 1 of each", c.Classes, c.PerClass)
	}
	return nil
}

// Indices returns the images batch by batch, within a batch class by class. It panics if there are fewer than Classes
// different labels.
func (c ClassBalanced) Indices(rng *rand.Rand, labels []int) []int {
	images := map[int]*deck{}
	classes := &deck{}
	for i, label := range labels {
		if images[label] == nil {
			images[label] = &deck{}
			classes.add(label)
		}
		images[label].add(i)
	}
	if len(classes.cards) < c.Classes {
		panic(fmt.Sprintf("datasets: ClassBalanced: %d classes a batch of %d in all", c.Classes, len(classes.cards)))
	}
	batches := len(labels) / (c.Classes * c.PerClass)
	indices := make([]int, 0, batches*c.Classes*c.PerClass)
	for range batches {
		for _, class := range classes.draw(rng, c.Classes) {
			indices = append(indices, images[class].draw(rng, c.PerClass)...)
		}
	}
	return indices
}

// deck is a pile of cards to draw from, shuffled again when it is used up.
type deck struct {
	cards []int
	drawn int // cards[:drawn] are out; the deck begins used up
}

// add puts a card among those that are out.
func (d *deck) add(card int) {
	d.cards = append(d.cards, card)
	d.drawn = len(d.cards)
}

// draw returns n cards, without a repetition if the deck has n: when it is shuffled amid a draw, the cards of this draw go to
// the bottom.
func (d *deck) draw(rng *rand.Rand, n int) []int {
	hand := make([]int, 0, n)
	for len(hand) < n {
		if d.drawn == len(d.cards) {
			d.shuffle(rng, hand)
		}
		hand = append(hand, d.cards[d.drawn])
		d.drawn++
	}
	return hand
}

// shuffle takes all cards back, those of the hand at the bottom.
func (d *deck) shuffle(rng *rand.Rand, hand []int) {
	rng.Shuffle(len(d.cards), func(i, j int) { d.cards[i], d.cards[j] = d.cards[j], d.cards[i] })
	slices.SortStableFunc(d.cards, func(a, b int) int {
		return inHand(hand, a) - inHand(hand, b)
	})
	d.drawn = 0
}

// inHand returns 1 if the card is in the hand, else 0.
func inHand(hand []int, card int) int {
	if slices.Contains(hand, card) {
		return 1
	}
	return 0
}
