// Command upstream is the fake of the hosted router that the tests of other people's clients put behind searchd.
package main
