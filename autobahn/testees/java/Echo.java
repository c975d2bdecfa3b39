import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.eclipse.jetty.websocket.api.WebSocketAdapter;

/** Sends every message back. */
public class Echo extends WebSocketAdapter {
    /** Longer than every message that a suite asks to have back. */
    static final int MAX_MESSAGE = 64 << 20;

    /** Ends with the error of the connection, if it has one. */
    final CompletableFuture<Void> end = new CompletableFuture<>();

    @Override
    public void onWebSocketText(String message) {
        try {
            getRemote().sendString(message);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void onWebSocketBinary(byte[] payload, int offset, int length) {
        try {
            getRemote().sendBytes(ByteBuffer.wrap(payload, offset, length));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void onWebSocketError(Throwable error) {
        end.completeExceptionally(error);
    }

    @Override
    public void onWebSocketClose(int code, String reason) {
        super.onWebSocketClose(code, reason);
        end.complete(null);
    }
}
