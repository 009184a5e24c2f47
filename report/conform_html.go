package report

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

//go:embed conform.html
var conformPage string

// ConformanceHTML writes a conformance run as one page that needs nothing beside
// it: the matrix, where each cell leads to its conversation, down to the bytes.
func ConformanceHTML(w io.Writer, m matrix.Matrix) error {
	page, err := template.New("conform").Parse(conformPage)
	if err != nil {
		return fmt.Errorf("read the template of the conformance page: %w", err)
	}
	var b strings.Builder
	if err := page.Execute(&b, pageOf(m)); err != nil {
		return fmt.Errorf("write the conformance page: %w", err)
	}
	_, err = io.WriteString(w, clean(b.String()))
	return err
}

// What the template is filled with.
type (
	htmlPage struct {
		Made, Command string
		Columns       []htmlColumn
		Groups        []htmlGroup
		Legend        []htmlCell // one of each word that occurs
	}
	htmlColumn struct {
		matrix.Column
		Tally string
	}
	htmlGroup struct {
		Name  string
		Span  int // columns of the table
		Cases []htmlCase
	}
	htmlCase struct {
		matrix.Case
		Cells []htmlCell
	}
	htmlCell struct {
		ID, Word, Class string
		Column, Told    string
		Took            string
		Steps           []htmlStep
		Talks           bool // has anything to lead to
	}
	htmlStep struct {
		What, Said, Expected, Note string
		Word                       string // empty where nothing was judged
		Frames                     []htmlFrame
	}
	htmlFrame struct {
		At, Head, Decoded, Dump string
		Answer                  bool
		Size                    string
	}
)

func pageOf(m matrix.Matrix) htmlPage {
	p := htmlPage{Made: madeWith(m), Command: m.Command}
	for _, c := range m.Columns {
		p.Columns = append(p.Columns, htmlColumn{c, tally(m, c)})
	}
	occurs := make(map[string]bool)
	for _, group := range groupsOf(m) {
		g := htmlGroup{Name: group.name, Span: 1 + len(m.Columns)}
		for _, c := range group.cases {
			row := htmlCase{Case: c}
			for i := range m.Columns {
				cell := htmlCellOf(m.Columns[i].Cell(c.Number))
				cell.ID, cell.Column = fmt.Sprintf("case-%d-%d", c.Number, i+1), m.Columns[i].Name
				row.Cells = append(row.Cells, cell)
				if !occurs[cell.Word] {
					occurs[cell.Word] = true
					p.Legend = append(p.Legend, cell)
				}
			}
			g.Cases = append(g.Cases, row)
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

func htmlCellOf(cell *matrix.Cell) htmlCell {
	h := htmlCell{Word: cellWord(cell), Class: cell.Verdict.String(), Told: told(cell), Took: briefly(cell.Took)}
	switch {
	case cell.Known != "":
		h.Class = "known"
	case cell.Surprise:
		h.Class = "surprise"
	}
	for _, s := range cell.Steps {
		step := htmlStep{What: brief(s.What), Said: brief(s.Said), Note: brief(s.Note)}
		if s.Verdict != matrix.NotRun {
			step.Word = s.Verdict.String()
		}
		if s.Expected != s.Said {
			step.Expected = brief(s.Expected)
		}
		for _, f := range s.Frames {
			step.Frames = append(step.Frames, htmlFrame{
				At: fmt.Sprintf("%.3f ms", float64(f.At)/float64(time.Millisecond)), Head: frameHead(f), Answer: f.Answer,
				Decoded: firstLines(f.Decoded, 500), Dump: dump(f.Bytes), Size: counted(len(f.Bytes), "byte", "bytes"),
			})
		}
		h.Steps = append(h.Steps, step)
	}
	h.Talks = h.Told != "" || len(h.Steps) > 0
	return h
}

// dump is a hex dump of a frame, of one that is long of its first 4 KiB.
func dump(frame []byte) string {
	const most = 4 << 10
	if len(frame) <= most {
		return hex.Dump(frame)
	}
	return hex.Dump(frame[:most]) + fmt.Sprintf("... %s more\n", counted(len(frame)-most, "byte", "bytes"))
}
