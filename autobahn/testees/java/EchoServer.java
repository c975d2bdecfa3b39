import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.websocket.server.WebSocketHandler;
import org.eclipse.jetty.websocket.servlet.WebSocketServletFactory;

/** An echo server on Jetty: EchoServer --port N, where 0 picks a free port. */
public class EchoServer {
    public static void main(String[] args) throws Exception {
        if (args.length != 2 || !args[0].equals("--port")) {
            throw new IllegalArgumentException("usage: --port N, where 0 picks a free port");
        }
        Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])));
        server.setHandler(new WebSocketHandler() {
            @Override
            public void configure(WebSocketServletFactory factory) {
                factory.getPolicy().setMaxTextMessageSize(Echo.MAX_MESSAGE);
                factory.getPolicy().setMaxBinaryMessageSize(Echo.MAX_MESSAGE);
                factory.register(Echo.class);
            }
        });
        server.start();
        System.out.println("ws://127.0.0.1:" + server.getURI().getPort());
        server.join();
    }
}
