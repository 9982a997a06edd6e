package part

import (
	"bytes"
	"context"
)

// Regroup makes one part of those of a run whose updates are still in the order of their
// rows, but whose updates of one row are in none, because rows have become equal that were
// different. Times before since are read as since.
//
// It holds one piece of one part at a time and what came before of the same row, which is a
// single update if no time is beyond since.
func Regroup(since uint64, parts []Unfetched) Unfetched {
	return Unfetched{Fetch: func(context.Context) (Pieces, error) {
		g := &regrouping{since: since, rest: parts}
		return g.next, nil
	}}
}

type regrouping struct {
	since  uint64
	pieces Pieces // of the part that is being read; nil if there is none
	rest   []Unfetched
	// held are the updates of the greatest row so far: there may be more of them.
	held []Update
}

// next returns the updates of all rows that are complete, consolidated.
func (g *regrouping) next(ctx context.Context) ([]Update, error) {
	for {
		piece, err := g.read(ctx)
		if err != nil {
			return nil, err
		}
		if len(piece) == 0 {
			last := g.held
			g.held = nil
			return last, nil
		}
		if piece, err = g.take(piece); err != nil || len(piece) > 0 {
			return piece, err
		}
	}
}

// take holds back the last row of a piece, and returns the updates of those before.
func (g *regrouping) take(piece []Update) ([]Update, error) {
	for i := range piece {
		piece[i].Time = max(piece[i].Time, g.since)
	}
	all, err := Consolidate(append(g.held, piece...))
	if err != nil || len(all) == 0 {
		g.held = nil
		return nil, err
	}
	first := len(all) - 1
	for first > 0 && bytes.Equal(all[first-1].Row, all[first].Row) {
		first--
	}
	row := bytes.Clone(all[first].Row) // the piece itself is not to be kept
	g.held = append([]Update(nil), all[first:]...)
	for i := range g.held {
		g.held[i].Row = row
	}
	return all[:first], nil
}

// read returns the next piece of the parts, none at the end.
func (g *regrouping) read(ctx context.Context) (piece []Update, err error) {
	for {
		if g.pieces == nil {
			if len(g.rest) == 0 {
				return nil, nil
			}
			if g.pieces, err = g.rest[0].Fetch(ctx); err != nil {
				return nil, err
			}
			g.rest = g.rest[1:]
		}
		if piece, err = g.pieces(ctx); err != nil || len(piece) > 0 {
			return piece, err
		}
		g.pieces = nil
	}
}
