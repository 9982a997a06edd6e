package part

import (
	"github.com/parquet-go/parquet-go"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// column reads one column of one row group, page by page.
type column struct {
	kind  relation.Type
	pages parquet.Pages
	// page is the current one. Its memory is the library's, and so is what the
	// slices below refer to.
	page parquet.Page
	// rows are in the page, and row is the next of them.
	rows, row int
	// levels has a 1 for each row with a value and a 0 for each null; it is empty
	// if the column is not nullable.
	levels []byte
	// One of these has the values, and next is the next of them.
	bits    []byte
	numbers []uint64
	floats  []float64
	text    []byte
	offsets []uint32 // within text, one more than there are values
	next    int
}

// left returns how many rows of the page have not been taken.
func (c *column) left() int { return c.rows - c.row }

// turn goes to the next page.
func (c *column) turn() error {
	var err error
	isFit := false
	contentErr := contained(func() error {
		parquet.Release(c.page)
		c.page = nil
		if c.page, err = c.pages.ReadPage(); err != nil {
			return err
		}
		isFit = c.view(c.page)
		return nil
	})
	if contentErr != nil {
		return contentErr
	}
	if !isFit {
		return wire.Corrupt(what, "a page has more or fewer values than it says")
	}
	return nil
}

// close gives the memory of pages back.
func (c *column) close() error {
	return contained(func() error {
		parquet.Release(c.page)
		return c.pages.Close()
	})
}

// view looks at the values of a page, and reports whether there is one for each row
// that is not null.
func (c *column) view(page parquet.Page) bool {
	c.levels, c.rows, c.row, c.next = page.DefinitionLevels(), int(page.NumRows()), 0, 0
	values := c.rows
	if len(c.levels) > 0 {
		values = 0
		for _, level := range c.levels {
			if level > 1 {
				return false
			}
			values += int(level)
		}
	}
	data := page.Data()
	switch c.kind {
	case relation.Bool:
		c.bits = data.Boolean()
		return len(c.bits) >= (values+7)/8
	case relation.Float64:
		c.floats = data.Double()
		return len(c.floats) == values
	case relation.String, relation.Bytes:
		c.text, c.offsets = data.ByteArray()
		return len(c.offsets) == values+1
	default:
		c.numbers = data.Uint64()
		return len(c.numbers) == values
	}
}

// take sets value to that of the next row. It shares memory with the page.
func (c *column) take(value *relation.Value) {
	row := c.row
	c.row++
	if len(c.levels) > 0 && c.levels[row] == 0 {
		*value = relation.Null()
		return
	}
	i := c.next
	c.next++
	switch c.kind {
	case relation.Bool:
		*value = relation.BoolValue(c.bits[i/8]>>(i%8)&1 == 1)
	case relation.Int64:
		*value = relation.Int64Value(int64(c.numbers[i]))
	case relation.Uint64:
		*value = relation.Uint64Value(c.numbers[i])
	case relation.Float64:
		*value = relation.Float64Value(c.floats[i])
	case relation.String:
		*value = relation.TextValue(c.text[c.offsets[i]:c.offsets[i+1]])
	default:
		*value = relation.BytesValue(c.text[c.offsets[i]:c.offsets[i+1]])
	}
}

// takeNumber returns the number of the next row of a column without nulls.
func (c *column) takeNumber() uint64 {
	c.row++
	return c.numbers[c.row-1]
}
