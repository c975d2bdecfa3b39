import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.stream.Stream;
import org.eclipse.jetty.websocket.client.ClientUpgradeRequest;
import org.eclipse.jetty.websocket.client.WebSocketClient;

/** An echo client on Jetty: EchoClient URL..., where - reads URLs from standard input. */
public class EchoClient {
    public static void main(String[] args) throws Exception {
        WebSocketClient client = new WebSocketClient();
        client.getPolicy().setMaxTextMessageSize(Echo.MAX_MESSAGE);
        client.getPolicy().setMaxBinaryMessageSize(Echo.MAX_MESSAGE);
        client.start();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        Stream.of(args)
            .flatMap(argument -> argument.equals("-") ? input.lines() : Stream.of(argument))
            .forEach(url -> System.out.println(echo(client, url)));
        // A session is open until its answer to a Close is written.
        while (!client.getOpenSessions().isEmpty()) {
            Thread.sleep(1);
        }
        client.stop();
    }

    private static String echo(WebSocketClient client, String url) {
        Echo echo = new Echo();
        ClientUpgradeRequest request = new ClientUpgradeRequest();
        request.addExtensions("permessage-deflate");
        try {
            client.connect(echo, URI.create(url), request).get();
            echo.end.get();
            return "done " + url;
        } catch (Exception error) {
            return "failed " + url + ": " + error.getMessage();
        }
    }
}
