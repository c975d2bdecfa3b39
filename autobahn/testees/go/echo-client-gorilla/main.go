// An echo client on gorilla/websocket.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/gorilla/websocket"
)

var dialer = websocket.Dialer{EnableCompression: true}

func main() {
	for _, argument := range os.Args[1:] {
		if argument != "-" {
			report(argument)
			continue
		}
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			report(lines.Text())
		}
	}
}

func report(url string) {
	err := echo(url)
	if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseNoStatusReceived) {
		fmt.Println("done", url)
	} else {
		fmt.Printf("failed %s: %v\n", url, err)
	}
}

func echo(url string) error {
	ws, _, err := dialer.Dial(url, nil)
	if err != nil {
		return err
	}
	defer ws.Close()
	for {
		kind, message, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		if err := ws.WriteMessage(kind, message); err != nil {
			return err
		}
	}
}
