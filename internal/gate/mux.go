package gate

import (
	"fmt"
	"net/http"
)

// AnyMethod stands in Rules for all methods.
const AnyMethod = ""

// Rules are the rules of a route, by the methods that it takes. HEAD is as GET.
type Rules map[string]Rule

// Routes takes handlers by their patterns, as http.ServeMux does, each with its rules. The
// handler asks them, by Gate.Principal, for it knows the shape of what is refused.
type Routes interface {
	Handle(pattern string, rules Rules, h http.Handler)
}

// Route is a pattern with the rules that it was registered with.
type Route struct {
	Pattern string
	Rules   Rules
}

// Mux is an http.ServeMux to which nothing can be added without rules. The zero value has no
// route. Routes are added before it serves.
type Mux struct {
	mux    http.ServeMux
	routes []Route
}

// Handle implements Routes. It panics where there is no rule, or one that lets nobody in, and as
// http.ServeMux does.
func (m *Mux) Handle(pattern string, rules Rules, h http.Handler) {
	if len(rules) == 0 {
		panic(fmt.Sprintf("the route %s has no rule: say who may ask it", pattern))
	}
	for method, r := range rules {
		if r == (Rule{}) {
			panic(fmt.Sprintf("the route %s %s lets nobody in: say who may ask it",
				method, pattern))
		}
	}
	m.mux.Handle(pattern, h)
	m.routes = append(m.routes, Route{pattern, rules})
}

// ServeHTTP implements http.Handler.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// Routes returns the routes in the order in which they were added. The caller must not change
// them.
func (m *Mux) Routes() []Route { return m.routes }
