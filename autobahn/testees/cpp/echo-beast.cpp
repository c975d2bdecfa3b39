// An echo server on Boost.Beast, with a thread for each connection.
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <thread>

#include "command_line.hpp"

namespace beast = boost::beast;
using boost::asio::ip::tcp;

static void echo(tcp::socket tcp) try {
    tcp.set_option(tcp::no_delay(true));
    beast::websocket::stream<tcp::socket> ws(std::move(tcp));
    beast::websocket::permessage_deflate deflate;
    deflate.server_enable = true;
    ws.set_option(deflate);
    ws.accept();
    for (beast::flat_buffer message;; message.clear()) {
        ws.read(message);
        ws.text(ws.got_text());
        ws.write(message.data());
    }
} catch (boost::system::system_error const&) {
    // The suite judges how the connection ends.
}

int main(int argc, char** argv) {
    boost::asio::io_context io;
    tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), port(argc, argv)});
    std::cout << "ws://" << acceptor.local_endpoint() << std::endl;
    for (;;) std::thread(echo, acceptor.accept()).detach();
}
