package dashboard_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
)

// filled are conditions under which each section shows what it is for.
var filled = []struct{ section, condition string }{
	{"overview", `document.querySelectorAll(".chart path.line.in")[0]?.getAttribute("d").includes("L") && document.querySelector(".tile strong").textContent === "1,204"`},
	{"connections", `document.querySelectorAll("tbody tr").length === 100 && document.querySelector("tbody tr td:nth-child(3)").textContent !== "–"`},
	{"subjects", `document.querySelectorAll("tbody tr").length === 62`},
	{"network", `document.querySelectorAll(".graph .node").length === 8 && document.querySelectorAll("tbody tr").length === 7`},
	{"accounts", `document.querySelectorAll("tbody tr").length === 3 && document.querySelector("tbody td.code").textContent === "SHOP"`},
	{"config", `document.querySelectorAll("tbody tr").length === 3`},
}

// Every section, in two sizes and two themes, shows its content without a word in the
// console, and needs no scrolling sideways.
func TestSections(t *testing.T) {
	srv := httptest.NewServer(newFake())
	defer srv.Close()
	for _, width := range []int{390, 1280} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := open(t, width, 844)
			for _, theme := range []string{"light", "dark"} {
				b.prefer(theme)
				b.visit(srv.URL + "/dashboard")
				for _, f := range filled {
					b.section(f.section)
					b.until(f.condition)
					b.picture(fmt.Sprintf("%s-%d-%s", f.section, width, theme))
					if wide := eval[int](b, `document.scrollingElement.scrollWidth - innerWidth`); wide > 0 {
						t.Errorf("%s is %d pixels too wide", f.section, wide)
					}
				}
				b.noProblems()
			}
		})
	}
}
