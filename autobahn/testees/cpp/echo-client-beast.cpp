// An echo client on Boost.Beast.
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <regex>

#include "command_line.hpp"

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::asio::ip::tcp;

static void echo(std::string const& url) {
    std::smatch part;
    if (!std::regex_match(url, part, std::regex("ws://(([^:/]+):(\\d+))(/.*)")))
        throw std::invalid_argument("not a URL");
    boost::asio::io_context io;
    websocket::stream<tcp::socket> ws(io);
    boost::asio::connect(ws.next_layer(), tcp::resolver(io).resolve(part[2].str(), part[3].str()));
    ws.next_layer().set_option(tcp::no_delay(true));
    websocket::permessage_deflate deflate;
    deflate.client_enable = true;
    ws.set_option(deflate);
    ws.handshake(part[1].str(), part[4].str());
    for (beast::flat_buffer message;; message.clear()) {
        beast::error_code error;
        ws.read(message, error);
        if (error == websocket::error::closed) return;
        if (error) throw beast::system_error(error);
        ws.text(ws.got_text());
        ws.write(message.data());
    }
}

int main(int argc, char** argv) { for_each_url(argc, argv, echo); }
