// Executes templates with Go's own text/template: one request a line on standard input, one answer a line on
// standard output, both JSON. The data and functions are those of test/gotemplate/data.ts.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"
)

type request struct {
	Template   string `json:"template"`
	Left       string `json:"left"`
	Right      string `json:"right"`
	MissingKey string `json:"missingKey"`
}

type answer struct {
	Output string `json:"output"`
	Error  string `json:"error"`
}

type Tags []string

func (t Tags) Contains(s string) bool {
	for _, tag := range t {
		if tag == s {
			return true
		}
	}
	return false
}

type Colour int

func (c Colour) String() string { return fmt.Sprintf("colour-%d", int(c)) }

type Weight struct {
	Passing int
	Warning float64
}

type Service struct {
	Name   string
	Port   int
	Tags   Tags
	Meta   map[string]string
	Weight Weight
	Inner  *Weight
	Any    interface{}
	hidden int
}

func (s Service) Hello() string                             { return "hello " + s.Name }
func (s Service) Add(a int, b int) int                      { return a + b + s.Port }
func (s Service) Join(sep string, parts ...string) string   { return strings.Join(parts, sep) }
func (s Service) Fail() (string, error)                     { return "", errors.New("service failed") }
func (s Service) Twice(v interface{}) string                { return fmt.Sprint(v, v) }
func (s *Service) Pointer() string                          { return "pointer " + s.Name }

func service() Service {
	return Service{
		Name: "web", Port: 80, Tags: Tags{"a", "b"}, Meta: map[string]string{"k": "v", "a": "b"},
		Weight: Weight{1, 2.5}, Any: "any",
	}
}

func data() map[string]interface{} {
	s, p := service(), service()
	p.Inner = &Weight{3, 4}
	pp := &p
	return map[string]interface{}{
		"I": 17, "Neg": -5, "Zero": 0, "I8": int8(-8), "I64": int64(1) << 62, "U": uint(16), "U8": uint8(200),
		"U64": ^uint64(0), "F": 3.14, "F1": 1000000.0, "FBig": 123456789.0, "FSmall": 1e-7, "FHalf": 2.5, "F0": 0.0,
		"S": "hello", "E": "", "Uni": "héllo, 世界", "HTML": `<a href="x">'&'</a>`, "Ctl": "a\tb\nc\x00\u2028\xff=",
		"B": true, "BF": false,
		"SL": []string{"x", "y", "z"}, "SI": []int{3, 4, 5}, "AL": []interface{}{1, "two", 3.0, nil, true},
		"ES": []string{}, "NS": []string(nil), "LL": [][]int{{1, 2}, {3}}, "Arr": [2]int{7, 8},
		"MS": map[string]string{"b": "2", "a": "1"}, "MI": map[string]int{"one": 1, "two": 2},
		"MA": map[string]interface{}{
			"n": 1.0, "s": "str", "l": []interface{}{1.0, "x", map[string]interface{}{"k": "v"}},
			"m": map[string]interface{}{"z": nil, "y": true},
		},
		"MII": map[int]string{2: "two", 1: "one", -3: "minus"}, "MB": map[bool]int{true: 1, false: 0},
		"MF": map[float64]string{1.5: "b", -1: "a"}, "NM": map[string]int(nil), "EM": map[string]int{},
		"MAA": map[interface{}]interface{}{"k": 1, "j": "v"},
		"Nil": nil, "T": s, "P": pp, "NP": (*Service)(nil), "PP": &pp, "Services": []*Service{pp, {Name: "db", Port: 5432}},
		"Ts": []Service{s}, "Bytes": []byte("abc"), "Err": errors.New("an error"), "Col": Colour(3),
		"Tags": Tags{"p", "q"}, "W": Weight{1, 2}, "W2": Weight{1, 2},
		"Fn": func(i int) int { return i * 2 }, "FnV": func(s string, is ...int) string { return fmt.Sprint(s, is) },
		"FnE": func() (string, error) { return "", errors.New("fn failed") },
	}
}

func functions() template.FuncMap {
	return template.FuncMap{
		"add":   func(a, b int) int { return a + b },
		"upper": strings.ToUpper,
		"fail":  func() (string, error) { return "", errors.New("it failed") },
		"ident": func(v interface{}) interface{} { return v },
		"none":  func() interface{} { return nil },
		"sum": func(is ...int) int {
			sum := 0
			for _, i := range is {
				sum += i
			}
			return sum
		},
		"cat":    func(sep string, vs ...interface{}) string { return sep + fmt.Sprint(vs...) },
		"big":    func(u uint64) uint64 { return u },
		"i64":    func(i int64) int64 { return i },
		"float":  func(f float64) float64 { return f },
		"flag":   func(b bool) bool { return b },
		"join":   func(ss []string, sep string) string { return strings.Join(ss, sep) },
		"count":  func(m map[string]string) int { return len(m) },
		"weight": func(w Weight) int { return w.Passing },
		"list":   func(vs ...interface{}) []interface{} { return vs },
	}
}

func execute(r request) (a answer) {
	t, err := template.New("t").Delims(r.Left, r.Right).Funcs(functions()).Parse(r.Template)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if r.MissingKey != "" {
		t = t.Option("missingkey=" + r.MissingKey)
	}
	var out strings.Builder
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", p)}
		}
	}()
	if err := t.Execute(&out, data()); err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Output: out.String()}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := out.Encode(execute(r)); err != nil {
			os.Exit(1)
		}
	}
}
