package console

import (
	"io"
	"strings"
	"unicode/utf8"
)

// gap is the number of spaces between two columns.
const gap = 2

// Cell is one text of a table.
type Cell struct {
	Text string
	// Paint adds a color; nil for none.
	Paint func(string) string
}

// Table writes rows in columns. It keeps rows until [Table.Flush], so that a caller with many rows
// flushes after each page: the columns of later pages are at least as wide.
type Table struct {
	out    io.Writer
	widths []int
	rows   [][]Cell
}

// NewTable returns a Table with these titles.
func NewTable(out io.Writer, titles ...string) *Table {
	t := &Table{out: out, widths: make([]int, len(titles))}
	t.Row(titles...)
	return t
}

// Row adds a row without colors.
func (t *Table) Row(texts ...string) {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	t.Cells(cells...)
}

// Cells adds a row. Each text is shown as [Line] returns it.
func (t *Table) Cells(cells ...Cell) {
	for i := range cells {
		cells[i].Text = Line(cells[i].Text)
		if i < len(t.widths) {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i].Text))
		}
	}
	t.rows = append(t.rows, cells)
}

// Flush writes the rows.
func (t *Table) Flush() error {
	var text strings.Builder
	for _, row := range t.rows {
		padding := 0
		for i, cell := range row {
			if cell.Text == "" { // no spaces at the end of a line
				padding += t.widths[i] + gap
				continue
			}
			text.WriteString(strings.Repeat(" ", padding))
			shown := cell.Text
			if cell.Paint != nil {
				shown = cell.Paint(shown)
			}
			text.WriteString(shown)
			padding = t.widths[i] + gap - utf8.RuneCountInString(cell.Text)
		}
		text.WriteString("\n")
	}
	t.rows = nil
	_, err := io.WriteString(t.out, text.String())
	return err
}
