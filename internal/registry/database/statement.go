package database

import (
	"strconv"
	"strings"
)

// conditions are what rows have to meet, and the arguments of the statement. The zero value is
// none.
type conditions struct {
	texts []string
	args  []any
}

// arg adds an argument and returns what stands for it in the statement.
func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

// add adds a condition; its ? stands for the argument.
func (c *conditions) add(text string, value any) {
	c.texts = append(c.texts, strings.ReplaceAll(text, "?", c.arg(value)))
}

// where returns the clause; "" where there is no condition.
func (c *conditions) where() string {
	if len(c.texts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.texts, " AND ")
}

// direction returns how rows are ordered, and how those that come later compare.
func direction(newest bool) (order, later string) {
	if newest {
		return " DESC", "<"
	}
	return "", ">"
}
