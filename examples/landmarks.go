// Ask a landmarks service for the faces in a picture, with Go's standard library alone:
// go run landmarks.go URL PICTURE
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// Answer is what every V2 answer has, or the error's sentence and code.
type Answer struct {
	Outputs []struct {
		Name  string
		Shape []int
		Data  []float64
	}
	Error string
	Code  string
}

func ask(client *http.Client, url, mediaType string, picture []byte) (int, Answer, error) {
	var answer Answer
	response, err := client.Post(url, mediaType, bytes.NewReader(picture))
	if err != nil {
		return 0, answer, err
	}
	defer response.Body.Close()
	return response.StatusCode, answer, json.NewDecoder(response.Body).Decode(&answer)
}

func main() {
	picture, err := os.ReadFile(os.Args[2])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	client := &http.Client{Timeout: 30 * time.Second} // which keeps its connection
	for _, mediaType := range []string{"image/jpeg", "image/jpeg", "application/json"} {
		status, answer, err := ask(client, os.Args[1], mediaType, picture)
		if err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		fmt.Println(status, answer.Code, answer.Error)
		for _, output := range answer.Outputs {
			if output.Name == "landmarks" {
				fmt.Println(output.Shape, output.Data[:2])
			}
		}
	}
}
