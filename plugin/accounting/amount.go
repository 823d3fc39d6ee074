package accounting

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// Amount is a quantity of a resource, multiplied by seconds, in thousandths: core-milliseconds for a
// CPU. It is exact. The zero value is no usage.
type Amount struct{ thousandths big.Int }

var (
	thousand   = big.NewInt(1000)
	amountText = regexp.MustCompile(`^(0|[1-9][0-9]{0,59})(\.[0-9]{3})?$`)
)

// parseAmount reads what [Amount.String] writes.
func parseAmount(text string) (*Amount, error) {
	if !amountText.MatchString(text) {
		return nil, fmt.Errorf("%.80q is not an amount", text)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	a := &Amount{}
	a.thousandths.SetString(whole+(fraction + "000")[:3], 10) // it has only digits
	return a, nil
}

// add adds what a request, in thousandths, is in some seconds.
func (a *Amount) add(request, seconds int64) {
	var product big.Int
	a.thousandths.Add(&a.thousandths, product.Mul(big.NewInt(request), big.NewInt(seconds)))
}

func (a *Amount) addAmount(b *Amount) { a.thousandths.Add(&a.thousandths, &b.thousandths) }

// String returns the amount as a decimal number, which is exact.
func (a *Amount) String() string {
	var whole, fraction big.Int
	whole.QuoRem(&a.thousandths, thousand, &fraction)
	if fraction.Sign() == 0 {
		return whole.String()
	}
	return fmt.Sprintf("%s.%03d", &whole, &fraction)
}

// Float returns the float that is nearest to the amount: a larger amount is never a smaller float.
func (a *Amount) Float() float64 {
	value, _ := new(big.Rat).SetFrac(&a.thousandths, thousand).Float64()
	return value
}
