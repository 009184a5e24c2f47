package report

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// The drawing's measures, in SVG's pixels: time goes down, lanes stand side by
// side.
const (
	svgTime    = 96  // the width of the times on the left
	svgLane    = 150 // between producers, and between brokers
	svgGap     = 500 // from the last producer to the proxy: what frames carry is written there
	svgBar     = 11  // the width of a fault's bar, and the space beside it
	svgHead    = 44  // the height of the lanes' names
	svgRow     = 27
	svgLetters = 74 // that a label in the gap may have
)

// What the template draws.
type (
	svgDrawing struct {
		Width, Height, Foot int
		Stripes, Bars, Dots []svgBox
		Lanes, Arrows       []svgLine
		Words               []svgText
	}
	svgBox struct {
		X, Y, W, H  int
		Class, Told string
	}
	svgLine struct {
		X1, Y1, X2, Y2 int
		Class          string
	}
	svgText struct {
		X, Y              int
		Class, Anchor, Is string
	}
)

// canvas is a drawing under way.
type canvas struct {
	*plot
	svgDrawing
	producers map[int32]int // x by process
	proxy     int
	brokerAt  map[int32]int
	log       int
	bars      map[int32]int // x by fault
	begins    map[int32]int // y by fault
}

func (p *plot) draw() svgDrawing {
	c := &canvas{plot: p, producers: make(map[int32]int), brokerAt: make(map[int32]int), bars: make(map[int32]int), begins: make(map[int32]int)}
	x := svgTime + 40
	for i, process := range p.processes {
		if i > 0 {
			x += svgLane
		}
		c.producers[process.ID] = x
	}
	c.proxy = x + svgGap
	x = c.proxy + 40 + svgBar*len(p.faults)
	for i, f := range p.faults {
		c.bars[f.planned.ID] = c.proxy + 6 + i*svgBar
	}
	for i, b := range p.brokers {
		if x += svgLane * 2 / 3; i == 0 {
			x += svgLane / 3
		}
		c.brokerAt[b] = x
	}
	c.log = x + svgLane*2/3
	c.Width, c.Height = c.log+80, svgHead+svgRow*len(p.rows)+16
	c.Foot = c.Height - 4
	c.names()
	for i, r := range p.rows {
		c.row(r, svgHead+svgRow*(i+1))
	}
	for _, f := range p.faults { // those that last until the end
		if y, open := c.begins[f.planned.ID]; open {
			c.bar(f.planned.ID, y, c.Foot)
		}
	}
	return c.svgDrawing
}

func (c *canvas) names() {
	lane := func(x int, name, class string) {
		c.Words = append(c.Words, svgText{x, 22, "head " + class, "middle", name})
		c.Lanes = append(c.Lanes, svgLine{x, 32, x, c.Foot, "lane " + class})
	}
	for _, process := range c.processes {
		name, _ := c.who(process)
		lane(c.producers[process.ID], name, "")
	}
	lane(c.proxy, "proxy", "proxy")
	for _, b := range c.brokers {
		lane(c.brokerAt[b], fmt.Sprintf("broker %d", b), "")
	}
	lane(c.log, "log", "log")
}

func (c *canvas) write(x, y int, class, anchor, text string) {
	c.Words = append(c.Words, svgText{x, y, class, anchor, shorten(text, svgLetters)})
}

func (c *canvas) row(r plotRow, y int) {
	if r.about {
		c.Stripes = append(c.Stripes, svgBox{0, y - svgRow + 7, c.Width, svgRow, "about", ""})
	}
	c.write(svgTime-8, y, "time", "end", c.since(r.at))
	switch r.kind {
	case rowStrikes:
		c.begins[r.fault] = y - svgRow/2
		c.write(c.proxy-12, y, "fault", "end", r.text)
	case rowEnds:
		c.bar(r.fault, c.begins[r.fault], y)
		delete(c.begins, r.fault)
		c.write(c.proxy-12, y, "fault", "end", r.text)
	case rowHanded, rowTold:
		x := c.producers[r.process]
		c.Dots = append(c.Dots, svgBox{X: x, Y: y - 4, Class: map[rowKind]string{rowHanded: "handed", rowTold: "told"}[r.kind]})
		c.write(x+10, y, "op", "start", r.text)
	case rowFrame:
		c.frame(r, y)
	}
}

func (c *canvas) frame(r plotRow, y int) {
	e := r.event
	way := reachOf(e)
	at := map[station]int{atProducer: c.producers[r.process], atProxy: c.proxy, atBroker: c.brokerAt[e.Broker]}
	if _, known := c.producers[r.process]; !known {
		at[atProducer] = svgTime + 20
	}
	from, to := at[way.from], at[way.to]
	class := map[ending]string{arrived: "arrow", held: "arrow held", lost: "arrow lost", altered: "arrow altered"}[way.end]
	if from != to {
		c.Arrows = append(c.Arrows, svgLine{from, y, to, y, class})
	}
	label := c.label(e)
	if what := doing(e); what != "" {
		label += ", " + what
	}
	if e.Kind == history.WireRequest || e.Kind == history.WireDelivery {
		c.write(at[atProducer]+12, y-5, "label", "start", label)
	} else {
		c.write(c.proxy-14, y-5, "label", "end", label)
	}
	switch way.end {
	case lost:
		c.write(to, y+5, "cross", "middle", "✕")
	case held:
		c.write(to, y+5, "cross held", "middle", "‖")
	case arrived, altered:
	}
	if f, one := c.begins[r.fault]; one && c.instant(r.fault) {
		c.bar(r.fault, f, y+6)
		delete(c.begins, r.fault)
	}
	if r.stored {
		c.Arrows = append(c.Arrows, svgLine{at[atBroker], y, c.log - 8, y, "append"})
		c.write(c.log, y+4, "stored", "middle", fmt.Sprintf("%d/%d", e.Partition, e.BaseOffset))
	}
}

// instant says whether a fault is over with the frame that it struck.
func (c *canvas) instant(fault int32) bool {
	for _, r := range c.rows {
		if r.kind == rowEnds && r.fault == fault {
			return false
		}
	}
	for _, f := range c.faults {
		if f.planned.ID == fault {
			return f.over
		}
	}
	return false
}

func (c *canvas) bar(fault int32, from, to int) {
	for _, f := range c.faults {
		if f.planned.ID == fault {
			c.Bars = append(c.Bars, svgBox{c.bars[fault], from, svgBar - 3, max(to-from, 8), "bar", fmt.Sprintf("fault %d %s: %s %s", fault, f.planned.Fault, f.start.Target, f.end.Detail)})
		}
	}
}

// shorten cuts what is longer than so many letters.
func shorten(text string, most int) string {
	letters := []rune(onLine(text))
	if len(letters) <= most {
		return string(letters)
	}
	return string(letters[:most-3]) + "..."
}
