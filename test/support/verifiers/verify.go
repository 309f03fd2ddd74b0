// Does Go trust a certificate by this root, for this host? Prints `accepted` or `refused: why`.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func main() {
	roots := x509.NewCertPool()
	file, _ := os.ReadFile(os.Args[1])
	if !roots.AppendCertsFromPEM(file) {
		fmt.Println("refused: the root cannot be read")
		return
	}
	file, _ = os.ReadFile(os.Args[2])
	block, _ := pem.Decode(file)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err == nil {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: os.Args[3]})
	}
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("accepted")
}
